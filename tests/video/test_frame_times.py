"""Times from stamps that are lacking, damaged or restarted."""

import doctest

import made_videos as made
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.video import frame_times as module
from ava_det.video.frame_times import frame_times, without_slips
from ava_det.video.video import Video

STEADY = [40 * i for i in range(30)]
MINUTE = 60_000


def times_of(stamps: list[int | None], most_gap: float | None = None) -> np.ndarray:
    return frame_times(stamps, 1e-3, 0.04, most_gap)[0]


def test_examples() -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.holds("13.6 frames: one damaged time stamp")
@pytest.mark.parametrize("place", [1, 2, 14, 27, 28])
@pytest.mark.parametrize("damage", [524288, -524288, 33, -121, 1 << 40, -(1 << 62), None])
@pytest.mark.parametrize("most_gap", [None, 10.0])
def test_a_damaged_stamp_moves_no_other(
    place: int, damage: int | None, most_gap: float | None
) -> None:
    stamps: list[int | None] = list(STEADY)
    stamps[place] = None if damage is None else STEADY[place] + damage
    times = times_of(stamps, most_gap)
    # A stamp that is still between its neighbours is believed.
    others = np.delete(np.arange(30), place)
    np.testing.assert_allclose(times[others], np.delete(STEADY, place) / 1000, atol=0.0801)
    assert (np.diff(times) > 0).all()


@pytest.mark.holds("13.6 frames: one damaged time stamp")
@pytest.mark.parametrize("damage", [524288, 1_000_000_000])
def test_damage_at_the_ends(damage: int) -> None:
    for stamps in ([damage, *STEADY[1:]], [*STEADY[:-1], -damage]):
        np.testing.assert_allclose(times_of(stamps), np.array(STEADY) / 1000, atol=1e-9)


@pytest.mark.holds("13.6 frames: one damaged time stamp")
@pytest.mark.parametrize("damage", [MINUTE, -MINUTE, 524288])
def test_a_damaged_block_moves_no_other(damage: int) -> None:
    """As a damaged cluster of Matroska does."""
    long = [40 * i for i in range(100)]
    stamps = [s + damage * (30 <= i < 50) + MINUTE for i, s in enumerate(long)]
    times, damaged = frame_times(stamps, 1e-3, 0.04)
    np.testing.assert_allclose(times, np.array(long) / 1000, atol=1e-9)
    assert damaged == 20


@pytest.mark.holds("13.6 frames: parts behind each other")
@pytest.mark.parametrize("start", [0, 600, 1160, -5000, 40])
@pytest.mark.parametrize("most_gap", [None, 10.0])
def test_parts_follow_each_other(start: int, most_gap: float | None) -> None:
    stamps = [*STEADY, *(start + s for s in STEADY), *(start + s for s in STEADY)]
    np.testing.assert_allclose(times_of(stamps, most_gap), np.arange(90) / 25, atol=0.0401)


@pytest.mark.holds("13.6 frames: parts behind each other")
def test_a_clock_that_wraps() -> None:
    """FFmpeg takes a stamp below the first for one that wrapped at 33 bits: 26 hours."""
    ticks = [90 * s for s in STEADY]
    stamps = [*ticks, *((1 << 33) - 900_000 + t for t in ticks)]
    times, damaged = frame_times(stamps, 1 / 90_000, 0.04, 10.0)
    np.testing.assert_allclose(times, np.arange(60) / 25, atol=1e-9)
    assert damaged == 0


def test_gaps_are_believed_where_clocks_do_not_start_anew() -> None:
    stamps = [*STEADY, 10**11]
    assert times_of(stamps)[-1] == 1e8
    assert times_of(stamps, 10.0)[-1] == pytest.approx(1.2)


@given(st.lists(st.one_of(st.none(), st.integers(-(1 << 63), (1 << 63) - 1)), min_size=1))
def test_times_increase_whatever_the_stamps(stamps: list[int | None]) -> None:
    for most_gap in (None, 10.0):
        times, damaged = frame_times(stamps, 1 / 90_000, 0.04, most_gap)
        assert len(times) == len(stamps)
        assert times[0] == 0
        assert np.isfinite(times).all()
        assert (np.diff(times) > 0).all()
        assert 0 <= damaged <= len(stamps)


@given(st.sets(st.integers(0, 10**9), min_size=1, max_size=50))
def test_sound_stamps_are_kept_exactly(stamps: set[int]) -> None:
    ordered = sorted(stamps)
    times, damaged = frame_times(ordered, 1e-3, 0.04)
    assert times.tolist() == [(stamp - ordered[0]) * 1e-3 for stamp in ordered]
    assert damaged == 0


@pytest.mark.holds("13.6 frames: no stamp of a program stream counts as damaged by mistake")
@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([0, 40, 120, 160, 160, 200, 240], [0, 40, 80, 120, 160, 200, 240]),
        ([0, 40, 120, 120, 160, 240, 240, 280], [0, 40, 80, 120, 160, 200, 240, 280]),
        ([0, 3754, 11261, 15015, 15014, 18768], [0, 3754, 11261, 15015, 15014, 18768]),
        ([0, 40, 120, 160, 200], [0, 40, 120, 160, 200]),  # a picture is not there
        ([0, 40, 40, 80, 160], [0, 40, 40, 80, 160]),
        ([0, 80, 120, 500, 540, 540], [0, 80, 120, 500, 540, 540]),
        ([0, None, 120, 160, 160], [0, None, 120, 160, 160]),
        ([None, 0, 40, 120, 160, 160, 200, 240], [None, 0, 40, 80, 120, 160, 200, 240]),
        ([], []),
        ([7], [7]),
        ([7, 7, 7], [7, 7, 7]),
    ],
)
def test_stamps_that_slip_by_a_step_are_set_right(stamps, expected) -> None:
    assert without_slips(stamps) == expected


@pytest.mark.holds("13.6 frames: no stamp of a program stream counts as damaged by mistake")
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("count", [40, 41, 100])
@pytest.mark.parametrize("name", ["film.mpg", "film.vob"])
def test_a_program_stream_of_ffmpeg_is_even(tmp_path, b_frames, count, name) -> None:
    with Video(made.encode(tmp_path / name, "mpeg2video", count, b_frames=b_frames)) as video:
        np.testing.assert_allclose(video.frame_times, np.arange(count) / 25, atol=1e-9)
        assert video.index.damaged_stamps == 0
