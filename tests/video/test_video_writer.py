"""Written files hold what was written, when it was written, and appear whole or not at all."""

import resource
from fractions import Fraction
from pathlib import Path

import made_videos as made
import numpy as np
import pytest

from ava_det.structures import InputError
from ava_det.video.video import Video
from ava_det.video.writer import VideoWriter


def smooth(count: int, height: int, width: int) -> list[np.ndarray]:
    """Frames (H, W, 3) uint8 that a codec hardly changes: a ramp whose colour moves on."""
    ramp = np.linspace(40, 200, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
    return [(ramp + np.array([4 * i, 0, -i])).clip(0, 255).astype(np.uint8) for i in range(count)]


@pytest.mark.parametrize("rate", [25, 29.97, 12.5, 10])
@pytest.mark.parametrize("size", [(96, 128), (95, 127), (96, 127), (33, 64)])
def test_what_is_written_is_read(size: tuple[int, int], rate: float, tmp_path: Path) -> None:
    frames = smooth(15, *size)
    with VideoWriter(tmp_path / "v.mp4", *size, rate) as writer:
        for frame in frames:
            writer.write(frame)
    with Video(tmp_path / "v.mp4") as video:
        height, width = size[0] + size[0] % 2, size[1] + size[1] % 2
        assert (video.height, video.width) == (height, width)
        np.testing.assert_allclose(video.frame_times, np.arange(15) / rate, atol=1e-4)
        assert video.rate == pytest.approx(rate, rel=1e-4)
        got = video.frames(video.frame_times).astype(int)
    pad = ((0, 0), (0, height - size[0]), (0, width - size[1]), (0, 0))
    assert np.abs(got - np.pad(frames, pad, "edge")).mean() < 3


def test_times_may_be_given(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.3, 20))
    with VideoWriter(tmp_path / "v.mp4", 48, 64, 25) as writer:
        for time, frame in zip(times, made.pictures(20), strict=True):
            writer.write(frame, time)
        writer.write(frame)  # goes on at the rate
    with Video(tmp_path / "v.mp4") as video:
        expected = [*(times - times[0]), times[-1] - times[0] + 0.04]
        np.testing.assert_allclose(video.frame_times, expected, atol=1e-4)


def test_a_player_finds_the_table_before_the_pictures(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "v.mp4", 48, 64, 25) as writer:
        for frame in made.pictures(5):
            writer.write(frame)
    data = (tmp_path / "v.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_text("old")

    def fail() -> None:
        with VideoWriter(path, 48, 64, 25) as writer:
            writer.write(next(made.pictures(1)))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    with pytest.raises(ValueError, match="no frame was written"), VideoWriter(path, 48, 64, 25):
        pass
    with pytest.raises(InputError, match=r"v.mp4: cannot be written"):
        VideoWriter(tmp_path / "nowhere/v.mp4", 48, 64, 25).__enter__()
    assert [file.name for file in tmp_path.iterdir()] == ["v.mp4"]
    assert path.read_text() == "old"


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "v.mp4", 48, 64, 25) as writer:
        writer.write(next(made.pictures(1)), 1.0)
        for frame in (np.zeros((48, 63, 3), np.uint8), np.zeros((48, 64, 3))):
            with pytest.raises(ValueError, match="a frame of"):
                writer.write(frame)
        with pytest.raises(ValueError, match=r"a frame at 0.5 s after one at 1.0 s"):
            writer.write(next(made.pictures(1)), 0.5)


@pytest.mark.holds("13.9 bounds: gaps between time stamps")
@pytest.mark.parametrize("rate", [1e-9, 25.0, 1e9])
@pytest.mark.parametrize(
    "times", [1e5 * np.arange(12), [0, 0.04, 1e4, 1e4 + 0.04], [0, 1e8, 1e8 + 1], [0, 1e-7, 2e-7]]
)
def test_gaps_are_bounded_and_lose_no_frame(
    times: list[float], rate: float, tmp_path: Path
) -> None:
    with VideoWriter(tmp_path / "v.mp4", 48, 64, rate) as writer:
        for frame, time in zip(made.pictures(12), times, strict=False):
            writer.write(frame, time)
    with Video(tmp_path / "v.mp4") as video:
        assert len(video) == len(times)
        steps = np.diff(video.frame_times)
    np.testing.assert_allclose(steps, np.minimum(np.diff(times), 3600), atol=1e-3)


@pytest.mark.holds("13.10 every error names its file: videos")
def test_a_file_that_outgrows_its_limit_is_said_with_its_name(tmp_path: Path) -> None:
    """As a full disk is, which a test cannot make."""
    noise = np.random.default_rng(0).integers(256, size=(60, 48, 64, 3), dtype=np.uint8)

    def write() -> None:
        with VideoWriter(tmp_path / "v.mp4", 48, 64, 25) as writer:
            for frame in noise:
                writer.write(frame)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*v\.mp4'"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.holds("13.7 pixels: films keep the aspect")
def test_the_shape_of_pixels_is_written(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "v.mp4", 48, 64, 25, aspect=Fraction(64, 45)) as writer:
        for frame in made.pictures(3):
            writer.write(frame)
    with Video(tmp_path / "v.mp4") as video:
        assert video.displayed == (91, 48)
