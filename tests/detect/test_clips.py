"""Clips of frames that come one by one are those that sampling chooses from the whole video."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import made_videos as made
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.detect.clips import ClipBuffer, KeyframeClip, KeyframePicture, stream_keyframes
from ava_det.detect.sources import VideoSource
from ava_det.resize import resize_short_side
from ava_det.structures import ClipShape, InputError
from ava_det.video.sampling import clip_times, nearest_frames
from ava_det.video.video import Video

SHAPES = [
    ClipShape(frames=16, stride=2, rate=25.0, short_side=32),
    ClipShape(frames=8, stride=4, rate=None, short_side=48),
    ClipShape(frames=1, stride=1, rate=None, short_side=60),
]
TIMES = st.lists(st.floats(1e-3, 3), max_size=40).map(lambda steps: np.cumsum([0.0, *steps]))
RATES = st.one_of(st.sampled_from([0.5, 1, 2.5, 5, 25, 30]), st.floats(0.01, 100))
ANY_SHAPE = st.builds(
    ClipShape,
    frames=st.integers(1, 9),
    stride=st.integers(1, 7),
    rate=st.one_of(st.none(), st.floats(0.1, 60)),
    short_side=st.just(1),
)


def nearest_to_beats(times: np.ndarray, rate: float) -> list[int]:
    """The keyframes, by all times at once."""
    beats = np.arange(int(np.floor(times[-1] * rate + 1e-6)) + 1) / rate
    return np.unique(nearest_frames(times, beats)).tolist()


def frames_of_clip(times: np.ndarray, frame: int, shape: ClipShape) -> np.ndarray:
    """The frames of a keyframe's clip, by all times at once."""
    wanted = clip_times(times, times[frame], shape.frames, shape.stride, shape.rate)
    return nearest_frames(times, wanted)


class Moment(NamedTuple):
    """A keyframe with its picture and its clip."""

    frame: int
    time: float
    picture: np.ndarray
    clip: np.ndarray
    times: np.ndarray  # of the clip's frames


def stream_moments(frames, shape: ClipShape, rate: float) -> Iterator[Moment]:
    """Join the picture and the clip of each keyframe; the picture comes first, in order."""
    pictures: deque[KeyframePicture] = deque()
    for keyframe in stream_keyframes(frames, shape, rate):
        if isinstance(keyframe, KeyframePicture):
            pictures.append(keyframe)
        else:
            first = pictures.popleft()
            assert keyframe.frame == first.frame
            assert keyframe.times[shape.frames // 2] == first.time
            yield Moment(*first, keyframe.clip, keyframe.times)
    assert not pictures


def clips_of(found) -> list[KeyframeClip]:
    return [keyframe for keyframe in found if isinstance(keyframe, KeyframeClip)]


def picture(number: int) -> np.ndarray:
    return np.full((1, 1, 3), number, np.uint8)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(1.0, [0, 10]), (2.5, [0, 4, 8, 12]), (10.0, list(range(15))), (99.0, list(range(15)))],
)
def test_keyframes_are_the_frames_nearest_to_the_beat(rate, expected):
    frames = [(number / 10, picture(number)) for number in range(15)]
    moments = list(stream_moments(frames, ClipShape(1, 1, None, 1), rate))
    assert [moment.frame for moment in moments] == expected
    assert [moment.time for moment in moments] == [number / 10 for number in expected]
    assert [int(moment.picture[0, 0, 0]) for moment in moments] == expected


@pytest.mark.holds("13.9 bounds: gaps between time stamps")
@given(TIMES, RATES, ANY_SHAPE)
def test_online_equals_the_choice_among_all_times(times, rate, shape):
    frames = [(time, picture(number)) for number, time in enumerate(times.tolist())]
    moments = list(stream_moments(frames, shape, rate))
    assert [moment.frame for moment in moments] == nearest_to_beats(times, rate)
    for moment in moments:
        expected = frames_of_clip(times, moment.frame, shape)
        assert moment.clip[:, 0, 0, 0].tolist() == expected.tolist()
        assert moment.times.tolist() == times[expected].tolist()


@given(TIMES, RATES, ANY_SHAPE)
def test_a_clip_comes_with_the_first_frame_that_settles_it(times, rate, shape):
    """Which is the one after a keyframe, or the first one at or after the clip's last time."""
    buffer, came = ClipBuffer(shape, rate), {}
    for number, time in enumerate(times.tolist()):
        found = clips_of(buffer.push(time, picture(number)))
        came.update((clip.frame, number) for clip in found)
    late = [clip.frame for clip in clips_of(buffer.close())]
    ahead = (shape.frames - 1 - shape.frames // 2) * shape.stride
    for frame in [*came, *late]:
        if shape.rate is None:
            settled = frame + ahead
        else:
            settled = np.searchsorted(times, times[frame] + ahead / shape.rate)
        settled = max(settled, frame + 1)
        assert came.get(frame, len(times)) == min(settled, len(times))


@given(TIMES, RATES, ANY_SHAPE)
def test_a_picture_comes_with_the_frame_after_the_keyframe(times, rate, shape):
    buffer, came = ClipBuffer(shape, rate), {}
    for number, time in enumerate([*times.tolist(), None]):
        found = buffer.close() if time is None else buffer.push(time, picture(number))
        for keyframe in found:
            if isinstance(keyframe, KeyframePicture):
                came[keyframe.frame] = number
                assert int(keyframe.picture[0, 0, 0]) == keyframe.frame
                assert keyframe.time == times[keyframe.frame]
    assert came == {frame: frame + 1 for frame in nearest_to_beats(times, rate)}


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_bounded_by_the_span_of_a_clip(shape):
    buffer, kept = ClipBuffer(shape, 5.0), []
    for number in range(400):
        buffer.push(number / 25, np.zeros((4, 4, 3), np.uint8))
        kept.append(len(buffer))
    assert max(kept) <= (shape.frames - 1) * shape.stride + 3
    assert max(kept[:200]) == max(kept[200:])


@given(TIMES, RATES, ANY_SHAPE, st.sets(st.integers(0, 40)))
def test_the_nearest_frame_of_the_clip_stands_in_for_a_lost_one(times, rate, shape, lost):
    frames = [
        (time, None if number in lost else picture(number))
        for number, time in enumerate(times.tolist())
    ]
    moments = list(stream_moments(frames, shape, rate))
    keyframes = [frame for frame in nearest_to_beats(times, rate) if frame not in lost]
    assert [moment.frame for moment in moments] == keyframes
    for moment in moments:
        wanted = frames_of_clip(times, moment.frame, shape)
        there = [n for n in range(wanted[0], wanted[-1] + 1) if n not in lost]
        expected = [min(there, key=lambda n, w=w: (abs(n - w), n)) for w in wanted.tolist()]
        assert moment.clip[:, 0, 0, 0].tolist() == expected
        assert moment.times.tolist() == times[expected].tolist()


def test_times_that_do_not_increase_are_refused():
    buffer = ClipBuffer(SHAPES[0], 5.0)
    buffer.push(0.0, picture(0))
    with pytest.raises(ValueError, match=r"a frame at 0\.0 s after one at 0\.0 s"):
        buffer.push(0.0, picture(1))


def test_no_frame_is_no_keyframe():
    assert ClipBuffer(SHAPES[0], 5.0).close() == []


def require_equal_to_random_access(path, shape: ClipShape, rate: float) -> None:
    with Video(path) as video:
        moments = list(stream_moments(VideoSource(video).frames(), shape, rate))
        times = video.frame_times
        assert [moment.frame for moment in moments] == nearest_to_beats(times, rate)
        for moment in moments:
            assert moment.time == times[moment.frame]
            sought = video.frames(times[[moment.frame]])
            np.testing.assert_array_equal(moment.picture, sought[0])
            wanted = clip_times(times, moment.time, shape.frames, shape.stride, shape.rate)
            clip = [resize_short_side(f, shape.short_side) for f in video.frames(wanted)]
            np.testing.assert_array_equal(moment.clip, clip)


@pytest.mark.parametrize("fps", [8.0, 25.0, 30.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_streamed_clips_equal_random_access(film, fps, shape):
    require_equal_to_random_access(film(70, fps), shape, 5.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "kind", ["variable rate", "without stamps", "one frame", "hidden frames", "frames out of order"]
)
def test_streamed_clips_of_odd_videos_equal_random_access(tmp_path, kind, shape):
    steps = np.random.default_rng(0).integers(5, 200, 40)
    path = {
        "variable rate": lambda: made.encode(tmp_path / "a.mkv", times_ms=np.cumsum(steps)),
        "without stamps": lambda: made.encode(tmp_path / "a.h264"),
        "one frame": lambda: made.encode(tmp_path / "a.mp4", count=1),
        "hidden frames": lambda: made.encode_hidden(tmp_path / "a.webm"),
        "frames out of order": lambda: made.encode(tmp_path / "a.avi", b_frames=3),
    }[kind]()
    require_equal_to_random_access(path, shape, 5.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rate"), [("mmaction2_demo.mp4", 1.0), ("pedestrians_768x576_10fps.avi", 0.2)]
)
def test_streamed_clips_equal_random_access_on_real_videos(shared, name, rate):
    shape = ClipShape(frames=16, stride=2, rate=25.0, short_side=112)
    require_equal_to_random_access(shared / "data" / "videos" / name, shape, rate)


class Damaged(Video):
    """A video of which some frames cannot be decoded."""

    def stream(self, start=0.0):
        for number, (time, picture) in enumerate(super().stream(start)):
            if number not in range(20, 30) and number < 50:
                yield time, picture
        raise InputError("only 40 of 70 frames can be decoded")


def test_damage_costs_only_the_keyframes_that_are_gone(film):
    shape = ClipShape(frames=8, stride=2, rate=None, short_side=16)
    with Damaged(film(70)) as video:
        source = VideoSource(video)
        moments = {m.frame: m for m in stream_moments(source.frames(), shape, 5.0)}
        assert list(moments) == [0, 5, 10, 15, 30, 35, 40, 45]
        assert str(source.damage) == "only 40 of 70 frames can be decoded"
        for keyframe, expected in (
            (10, [2, 4, 6, 8, 10, 12, 14, 16]),
            (15, [7, 9, 11, 13, 15, 17, 19, 19]),
            (45, [37, 39, 41, 43, 45, 47, 49, 49]),
        ):
            sought = video.frames(video.frame_times[expected])
            clip = [resize_short_side(frame, 16) for frame in sought]
            np.testing.assert_array_equal(moments[keyframe].clip, clip)
