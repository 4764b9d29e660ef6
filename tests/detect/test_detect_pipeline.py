"""Streaming gives what random access gives, in flat memory."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ava_det.augment.spatial import short_side
from ava_det.data.mapper import as_video
from ava_det.detect import pipeline
from ava_det.detect.pipeline import ActionPipeline, keyframe_numbers, stream_clips
from ava_det.formats.class_map import ClassMap
from ava_det.structures import ClipShape, InputError, Keyframe, PersonBoxes
from ava_det.video.sampling import clip_times, nearest_frames
from ava_det.video.video import Video


def random_access_clip(video: Video, number: int, shape: ClipShape) -> torch.Tensor:
    time = video.frame_times[number]
    times = clip_times(video.frame_times, time, shape.frames, shape.stride, shape.rate)
    clip, _ = short_side(shape.short_side)(as_video(video.frames(times)), torch.zeros(0, 4))
    return clip.transpose(0, 1)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(1.0, [0, 10]), (2.5, [0, 4, 8, 12]), (10.0, list(range(15))), (99.0, list(range(15)))],
)
def test_keyframes_are_the_frames_nearest_to_the_beat(rate, expected):
    assert keyframe_numbers(np.arange(15) / 10, rate).tolist() == expected


@pytest.mark.holds("13.9 bounds: gaps between time stamps")
@given(
    st.lists(st.floats(1e-3, 3), max_size=40),
    st.one_of(st.sampled_from([0.5, 1, 2.5, 5, 25, 30]), st.floats(0.01, 100)),
)
def test_keyframes_are_those_of_every_beat(steps, rate):
    times = np.cumsum([0.0, *steps])
    beats = np.arange(int(np.floor(times[-1] * rate + 1e-6)) + 1) / rate
    expected = np.unique(nearest_frames(times, beats))
    assert keyframe_numbers(times, rate).tolist() == expected.tolist()


def test_one_frame_is_one_keyframe():
    assert keyframe_numbers(np.zeros(1), 5.0).tolist() == [0]


@pytest.mark.parametrize("fps", [8.0, 25.0, 30.0])
@pytest.mark.parametrize(
    "shape",
    [
        ClipShape(frames=16, stride=2, rate=25.0, short_side=32),
        ClipShape(frames=8, stride=4, rate=None, short_side=48),
        ClipShape(frames=1, stride=1, rate=None, short_side=60),
    ],
)
def test_streamed_clips_equal_random_access(film, fps, shape):
    path = film(70, fps)
    with Video(path) as streamed, Video(path) as sought:
        keyframes = keyframe_numbers(streamed.frame_times, 5.0)
        looked = []

        def look(number, picture):
            looked.append(number)
            np.testing.assert_array_equal(
                picture, sought.frames(sought.frame_times[number : number + 1])[0]
            )

        clips = list(stream_clips(streamed, keyframes, shape, look))
        assert looked == keyframes.tolist() == [number for number, _ in clips]
        for number, clip in clips:
            assert torch.equal(clip, random_access_clip(sought, number, shape))


@pytest.mark.parametrize("name", ["mmaction2_demo.mp4", "pedestrians_768x576_10fps.avi"])
def test_streamed_clips_equal_random_access_on_real_videos(shared, name):
    path = shared / "data" / "videos" / name
    shape = ClipShape(frames=16, stride=2, rate=25.0, short_side=112)
    with Video(path) as streamed, Video(path) as sought:
        last = len(streamed) - 1
        keyframes = np.array([0, 7, last // 2, last - 3, last])
        for number, clip in stream_clips(streamed, keyframes, shape, lambda *_: None):
            assert torch.equal(clip, random_access_clip(sought, number, shape))


@pytest.mark.parametrize("frames", [60, 180])
def test_memory_does_not_grow_with_the_video(film, monkeypatch, frames):
    kept = []
    original = pipeline._clip
    monkeypatch.setattr(
        pipeline, "_clip", lambda ring, wanted: kept.append(len(ring)) or original(ring, wanted)
    )
    shape = ClipShape(frames=8, stride=2, rate=None, short_side=16)
    with Video(film(frames)) as video:
        list(stream_clips(video, keyframe_numbers(video.frame_times, 5.0), shape, lambda *_: None))
    assert max(kept) <= 8 * 2 + 5  # a clip's reach and a beat


class Damaged(Video):
    """A video of which some frames cannot be decoded."""

    def stream(self, start=0.0):
        for number, (time, picture) in enumerate(super().stream(start)):
            if number not in range(20, 30) and number < 50:
                yield time, picture
        raise InputError("only 40 of 70 frames can be decoded")


def test_damage_costs_only_the_keyframes_that_are_gone(film):
    shape = ClipShape(frames=8, stride=2, rate=None, short_side=16)
    with Damaged(film(70)) as video, Video(video.path) as sought:
        clips = dict(stream_clips(video, np.arange(0, 70, 5), shape, lambda *_: None))
        assert list(clips) == [0, 5, 10, 15, 30, 35, 40, 45]
        assert torch.equal(clips[10], random_access_clip(sought, 10, shape))
        assert torch.equal(clips[45][:, -1], random_access_clip(sought, 49, shape)[:, 4])


class FakePersons:
    """Sees one person who walks to the right, and nobody on the first frame."""

    def people(self, keyframes: list[Keyframe], frames: np.ndarray) -> list[PersonBoxes]:
        (keyframe,) = keyframes
        assert frames.shape == (1, 48, 64, 3)
        count = int(keyframe.tick > 0)
        x = keyframe.tick / 100
        box = np.array([[0.1 + x, 0.2, 0.4 + x, 0.9]])
        return [
            PersonBoxes(
                keyframe, box[:count], ((),) * count, np.full(count, 0.9), np.full(count, -1)
            )
        ]


class FakeActions:
    """Scores 0.1 times the column; notes what it was asked."""

    class_map = ClassMap({2: "walk", 5: "run (fast)", 7: "sit"})
    clip = ClipShape(frames=4, stride=2, rate=None, short_side=24)

    def __init__(self):
        self.asked = []

    def scores(self, clip: torch.Tensor, boxes: np.ndarray) -> np.ndarray:
        assert clip.shape == (3, 4, 24, 32)
        assert clip.dtype == torch.uint8
        self.asked.append(len(boxes))
        return np.full((len(boxes), 3), [0.0, 0.1, 0.2], np.float32)


def test_the_pipeline_joins_people_tracks_and_actions(film):
    actions = FakeActions()
    with Video(film(30)) as video:
        results = list(ActionPipeline(FakePersons(), actions, rate=5.0).run(video))
    assert [result.keyframe.tick for result in results] == [0, 5, 10, 15, 20, 25]
    assert {result.keyframe.video for result in results} == {"film_30_25"}
    assert [len(result.boxes) for result in results] == [0, 1, 1, 1, 1, 1]
    assert [result.track_ids.tolist() for result in results] == [[], *[[0]] * 5]
    assert actions.asked == [1] * 5  # the model does not run for nobody
    np.testing.assert_allclose(results[2].boxes, [[0.2, 0.2, 0.5, 0.9]])
    np.testing.assert_allclose(results[2].scores, [[0.0, 0.1, 0.2]])
    assert results[0].scores.shape == (0, 3)
