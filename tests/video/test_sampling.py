"""Which times make a clip: PySlowFast's indices, clamping, variable rates, bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.video.sampling import (
    clip_times,
    nearest_frames,
    random_clip_start,
    segment_times,
    uniform_window_starts,
    window_times,
)

FILE = np.arange(300) / 30  # ten seconds at 30 frames a second
VARIABLE = np.array([0.0, 0.04, 0.08, 0.16, 0.2, 0.3, 0.5])


@st.composite
def files(draw: st.DrawFn) -> np.ndarray:
    """Frame times from 0, of any rate."""
    steps = draw(st.lists(st.floats(0.001, 2.0), max_size=80))
    return np.concatenate([[0.0], np.cumsum(steps)])


@pytest.mark.parametrize("key", [0, 5, 32, 150, 270, 299])
def test_32x2_around_a_key_frame_is_pyslowfasts(key: int) -> None:
    indices = [min(max(i, 0), 299) for i in range(key - 32, key + 32, 2)]
    assert indices[16] == key
    np.testing.assert_array_equal(clip_times(FILE, key / 30, 32, 2), FILE[indices])
    np.testing.assert_allclose(clip_times(FILE, key / 30, 32, 2, rate=30), FILE[indices])


def test_frames_of_a_variable_rate_are_counted_from_the_nearest() -> None:
    # 0.19 is nearest to frame 4; 4 - 2, 4 - 1, 4, 4 + 1
    np.testing.assert_array_equal(clip_times(VARIABLE, 0.19, 4, 1), VARIABLE[[2, 3, 4, 5]])
    np.testing.assert_array_equal(clip_times(VARIABLE, 0.5, 4, 3), VARIABLE[[0, 3, 6, 6]])
    np.testing.assert_array_equal(window_times(VARIABLE, 0.04, 3, 2), VARIABLE[[1, 3, 5]])


def test_a_rate_of_30_on_a_file_of_25() -> None:
    file = np.arange(100) / 25
    times = clip_times(file, 2.0, 4, 2, rate=30)
    np.testing.assert_allclose(times, [2 - 4 / 30, 2 - 2 / 30, 2, 2 + 2 / 30])
    assert nearest_frames(file, times).tolist() == [47, 48, 50, 52]


@pytest.mark.parametrize("rate", [None, 30.0])
def test_a_clip_longer_than_the_file_repeats_its_ends(rate: float | None) -> None:
    short = FILE[:5]
    times = clip_times(short, short[2], 8, 2, rate)
    np.testing.assert_allclose(times, FILE[[0, 0, 0, 0, 2, 4, 4, 4]])
    np.testing.assert_allclose(window_times(short, 0.0, 4, 2, rate), FILE[[0, 2, 4, 4]])


@pytest.mark.parametrize("rate", [None, 30.0])
def test_a_file_of_one_frame(rate: float | None) -> None:
    one, rng = np.zeros(1), np.random.default_rng(0)
    assert clip_times(one, 3.0, 4, 2, rate).tolist() == [0] * 4
    assert window_times(one, 0.0, 4, 2, rate).tolist() == [0] * 4
    assert random_clip_start(one, 32, 64, rng, rate) == 0
    assert uniform_window_starts(one, 64, 3, rate).tolist() == [0] * 3
    assert segment_times(one, 4).tolist() == [0] * 4
    assert segment_times(one, 4, rng).tolist() == [0] * 4


def test_a_tie_goes_to_the_earlier_frame() -> None:
    file = np.array([0.0, 0.5, 1.0, 2.0])
    assert nearest_frames(file, [0.25, 0.2500001, 1.5, -9, 9]).tolist() == [0, 1, 2, 0, 3]
    assert nearest_frames(file, 0.6).shape == ()
    with pytest.raises(ValueError, match="finite"):
        nearest_frames(file, [0.0, np.inf])


@pytest.mark.parametrize(
    ("frames", "views", "starts"),
    [
        (300, 1, [118]),  # (300 - 64) / 2
        (300, 3, [0, 118, 236]),
        (300, 10, [0, 26, 52, 78, 104, 131, 157, 183, 209, 236]),  # i * 236 / 9, rounded down
        (65, 1, [0]),
        (40, 4, [0, 0, 0, 0]),
    ],
)
def test_views_are_spread_as_in_pyslowfast(frames: int, views: int, starts: list[int]) -> None:
    got = uniform_window_starts(FILE[:frames], 64, views)
    np.testing.assert_array_equal(got, FILE[starts])
    by_rate = uniform_window_starts(FILE[:frames], 64, views, rate=30)
    np.testing.assert_allclose(by_rate, FILE[starts], atol=1 / 30)  # not rounded to a frame


def test_every_clip_that_fits_is_drawn_and_no_other() -> None:
    rng = np.random.default_rng(0)
    drawn = {random_clip_start(FILE[:68], 62, 64, rng) for _ in range(500)}
    assert drawn == set(FILE[:7].tolist())
    times = [random_clip_start(FILE[:68], 62, 64, rng, rate=30) for _ in range(500)]
    assert 0 <= min(times) < 0.03
    assert 6 / 30 - 0.03 < max(times) <= 6 / 30 + 1e-9


@pytest.mark.parametrize("rate", [None, 30.0])
def test_a_file_shorter_than_the_window_is_used_to_its_end_and_not_beyond(
    rate: float | None,
) -> None:
    rng = np.random.default_rng(0)
    starts = [random_clip_start(FILE[:40], 32, 64, rng, rate) for _ in range(200)]
    assert 0 <= min(starts) < 0.02
    assert 8 / 30 - 0.02 < max(starts) <= 8 / 30 + 1e-9
    assert random_clip_start(FILE[:20], 32, 64, rng, rate) == 0


def test_one_frame_of_each_equal_part() -> None:
    # 10 frames in 4 parts of 2.5: centres at 1.25, 3.75, 6.25, 8.75
    np.testing.assert_array_equal(segment_times(FILE[:10], 4), FILE[[1, 3, 6, 8]])
    np.testing.assert_array_equal(segment_times(FILE[:8], 8), FILE[:8])
    rng = np.random.default_rng(0)
    draws = np.array([segment_times(FILE[:12], 3, rng) for _ in range(200)])
    for part in range(3):
        assert set(draws[:, part]) == set(FILE[4 * part : 4 * part + 4])


clips = st.tuples(st.integers(1, 70), st.integers(0, 9), st.sampled_from([None, 12.5, 30.0]))


@given(file=files(), clip=clips, time=st.floats(-5, 200))
def test_a_clip_is_ordered_and_within_the_file(
    file: np.ndarray, clip: tuple[int, int, float | None], time: float
) -> None:
    frames, stride, rate = clip
    for times in (
        clip_times(file, time, frames, stride, rate),
        window_times(file, time, frames, stride, rate),
    ):
        assert times.shape == (frames,)
        assert times.dtype == np.float64
        assert (np.diff(times) >= 0).all()
        assert file[0] <= times[0]
        assert times[-1] <= file[-1]
        if rate is None:
            assert np.isin(times, file).all()


@given(
    file=files(),
    window=st.integers(1, 100),
    rate=st.sampled_from([None, 30.0]),
    seed=st.integers(0, 99),
)
def test_windows_start_within_the_file(
    file: np.ndarray, window: int, rate: float | None, seed: int
) -> None:
    drawn = random_clip_start(file, window, window, np.random.default_rng(seed), rate)
    assert drawn == random_clip_start(file, window, window, np.random.default_rng(seed), rate)
    views = uniform_window_starts(file, window, 5, rate)
    assert (np.diff(views) >= 0).all()
    for start in (drawn, *views):
        assert file[0] <= start <= file[-1]
        fits = len(file) >= window if rate is None else file[-1] >= (window - 1) / rate
        if fits and rate is None:
            assert nearest_frames(file, start) + window <= len(file)
        elif fits:
            assert start + (window - 1) / rate <= file[-1] + 1e-9
        else:
            assert start == file[0]


@given(file=files(), segments=st.integers(1, 40), seed=st.none() | st.integers(0, 99))
def test_segments_are_ordered_and_distinct_where_they_can_be(
    file: np.ndarray, segments: int, seed: int | None
) -> None:
    times = segment_times(file, segments, None if seed is None else np.random.default_rng(seed))
    assert times.shape == (segments,)
    assert np.isin(times, file).all()
    assert (np.diff(times) >= 0).all()
    if seed is None and len(file) >= segments:
        assert len(set(times)) == segments


@given(
    file=files(),
    times=st.lists(st.floats(-5, 200), min_size=1, max_size=20),
)
def test_the_nearest_frame_is_the_nearest(file: np.ndarray, times: list[float]) -> None:
    distances = np.abs(np.array(times)[:, None] - file)
    chosen = distances[np.arange(len(times)), nearest_frames(file, times)]
    np.testing.assert_allclose(chosen, distances.min(1), atol=1e-9)
