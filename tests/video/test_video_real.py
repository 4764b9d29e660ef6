"""Real files: the same picture at random as by reading through, in every set at hand."""

import zlib
from pathlib import Path

import av
import made_videos as made
import numpy as np
import pytest

from ava_det.video.video import Video

SAMPLES = {  # a set -> every how manieth of its files
    "videos/*": 1,
    "jhmdb/videos/*/*": 155,
    "weizmann/*/*": 30,
    "ut_interaction/*/*": 40,
    "fights/*/*": 100,
    "ucf24/videos/*": 4,
}


def digest(picture: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(picture))


@pytest.mark.slow
@pytest.mark.parametrize("files", SAMPLES)
def test_random_access_gives_the_picture_of_reading_through(files: str, shared: Path) -> None:
    paths = sorted((shared / "data").glob(files))[:: SAMPLES[files]]
    assert paths
    rng = np.random.default_rng(2)
    for path in paths:
        expected = [digest(picture) for picture in made.read_through(path)]
        with Video(path) as video:
            assert len(video) == len(expected)
            for _ in range(4):
                wanted = rng.integers(0, len(expected), 4)  # unsorted, repeated
                got = video.frames(video.frame_times[wanted])
                assert [digest(picture) for picture in got] == [expected[i] for i in wanted], path
            last = rng.integers(0, len(expected))
            streamed = [digest(picture) for _, picture in video.stream(video.frame_times[last])]
            assert streamed == expected[last:], path


def test_times_are_the_presentation_times(shared: Path) -> None:
    for path in sorted((shared / "data/jhmdb/videos").glob("*/*"))[::155]:
        with av.open(path) as file:
            times = np.array([frame.time for frame in file.decode(video=0)])
        with Video(path) as video:
            np.testing.assert_allclose(video.frame_times, times - times[0], atol=1e-9)
