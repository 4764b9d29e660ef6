"""ava_det.data.prepare.cut: which frames a cut is made of."""

from fractions import Fraction

import numpy as np
import pytest
from made_videos import encode
from numbered import numbers_in, write_numbered

from ava_det.data.prepare.cut import Cut, cut_video
from ava_det.structures import InputError
from ava_det.video.facts import header_facts
from ava_det.video.video import Video


def numbers_of(path) -> tuple[list[int], np.ndarray]:
    """What a cut is made of, and when."""
    with Video(path) as video:
        pictures = np.stack([picture for _, picture in video.stream()])
        return numbers_in(pictures), video.frame_times


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30), Fraction(60)])
def test_a_cut_at_another_rate_is_made_of_the_nearest_frames(tmp_path, rate):
    source = write_numbered(tmp_path / "film.mp4", int(8 * rate), rate)
    seconds = cut_video(source, tmp_path / "cut.mp4", Cut(3.0, 4.0, rate=30.0))
    numbers, times = numbers_of(tmp_path / "cut.mp4")
    assert seconds == pytest.approx(4.0)
    assert times == pytest.approx(np.arange(120) / 30, abs=1e-4)
    exact = (3 + np.arange(120) / 30) * float(rate)
    assert np.abs(np.array(numbers) - exact).max() <= 0.5 + 1e-6
    assert numbers == sorted(numbers)


def test_the_sources_own_frames(tmp_path):
    source = write_numbered(tmp_path / "film.mp4", 200, Fraction(25))
    cut_video(source, tmp_path / "cut.mp4", Cut(2.0, 3.0, rate=None))
    numbers, times = numbers_of(tmp_path / "cut.mp4")
    assert numbers == list(range(50, 125))
    assert times == pytest.approx(np.arange(75) / 25, abs=1e-4)


def test_a_source_that_ends_early(tmp_path):
    source = write_numbered(tmp_path / "film.mp4", 100, Fraction(25))
    assert cut_video(source, tmp_path / "cut.mp4", Cut(3.0, 10.0)) == pytest.approx(1.0, abs=0.05)
    assert numbers_of(tmp_path / "cut.mp4")[0][-1] == 99
    with pytest.raises(InputError, match=r"film\.mp4: 4\.0 s long, nothing after second 5"):
        cut_video(source, tmp_path / "none.mp4", Cut(5.0, 10.0))
    assert not (tmp_path / "none.mp4").exists()


@pytest.mark.parametrize("rate", [30.0, 12.5, None])
@pytest.mark.parametrize("start", [0.0, 1.7, 3.0])
def test_a_header_says_how_long_a_cut_is(tmp_path, rate, start):
    source = write_numbered(tmp_path / "film.mp4", 100, Fraction(25))
    written = cut_video(source, tmp_path / "cut.mp4", Cut(start, 10.0, rate))
    assert header_facts(tmp_path / "cut.mp4").seconds == pytest.approx(written, abs=0.02)
    assert written == pytest.approx(4.0 - start, abs=0.1)


@pytest.mark.parametrize("short_side", [None, 24])
def test_sizes_turns_and_odd_sides(tmp_path, short_side):
    source = encode(tmp_path / "odd.mkv", "ffv1", size=(47, 65), pix_fmt="bgr0", count=10)
    cut_video(source, tmp_path / "cut.mp4", Cut(0.0, 0.4, 25.0, short_side))
    turned = encode(tmp_path / "turned.mp4", rotation=90, count=10)
    cut_video(turned, tmp_path / "upright.mp4", Cut(0.0, 0.4, 25.0, short_side))
    with Video(tmp_path / "cut.mp4") as cut, Video(tmp_path / "upright.mp4") as upright:
        assert (cut.height, cut.width) == ((24, 34) if short_side else (48, 66))
        assert (upright.height, upright.width) == ((32, 24) if short_side else (64, 48))
        with Video(turned) as original:
            expected = original.frames(np.zeros(1))[0]
        if not short_side:
            difference = np.abs(upright.frames(np.zeros(1))[0].astype(int) - expected)
            assert difference.mean() < 8  # of 255


def test_colours_stay_what_they_were(tmp_path, shared):
    source = shared / "data" / "videos" / "mmaction2_demo.mp4"
    cut_video(source, tmp_path / "cut.mp4", Cut(2.0, 1.0))
    with Video(source) as film, Video(tmp_path / "cut.mp4") as cut:
        times = np.array([0.0, 0.5, 0.9])
        difference = film.frames(2 + times).astype(int) - cut.frames(times)
    assert np.abs(difference).mean() < 3
    assert np.abs(difference.mean(axis=(0, 1, 2))).max() < 0.5


def test_a_damaged_source_leaves_nothing_behind(tmp_path):
    source = write_numbered(tmp_path / "film.mp4", 300, Fraction(25))
    data = bytearray(source.read_bytes())
    moov = data.index(b"moov") - 4
    data[moov // 3 : moov * 2 // 3] = bytes(moov * 2 // 3 - moov // 3)
    source.write_bytes(data)
    with pytest.raises(InputError, match="frames can be decoded: the file is damaged"):
        cut_video(source, tmp_path / "cut.mp4", Cut(1.0, 10.0))
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.holds("13.7 pixels: films keep the aspect")
@pytest.mark.parametrize("rotation", [0, 90])
def test_a_cut_is_displayed_as_its_source(tmp_path, rotation):
    source = encode(
        tmp_path / "a.mp4", rotation=rotation, mirrors=(True, False), aspect=Fraction(64, 45)
    )
    cut_video(source, tmp_path / "cut.mp4", Cut(0.0, 1.0, None))
    with Video(source) as film, Video(tmp_path / "cut.mp4") as cut:
        assert cut.displayed == film.displayed
        difference = film.frames([0.2]).astype(int) - cut.frames([0.2])
        assert np.abs(difference).mean() < 10
