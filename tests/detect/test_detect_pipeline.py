"""The pipeline joins people, tracks and actions."""

from collections import deque
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_models import Steps, Walker

from ava_det.detect.pipeline import ActionPipeline
from ava_det.detect.protocols import People
from ava_det.detect.sources import VideoSource
from ava_det.structures import ClipShape
from ava_det.video.sampling import clip_times, nearest_frames
from ava_det.video.video import Video


def test_the_pipeline_joins_people_tracks_and_actions(film):
    actions = Steps()
    with Video(film(30)) as video:
        results = list(ActionPipeline(Walker(), actions, rate=5.0).run(VideoSource(video)))
        times = video.frame_times[::5].tolist()
    assert [result.frame for result in results] == [0, 5, 10, 15, 20, 25]
    assert [result.time for result in results] == times
    assert [len(result.people.boxes) for result in results] == [0, 1, 1, 1, 1, 1]
    assert [result.people.tracks.tolist() for result in results] == [[], *[[0]] * 5]
    assert actions.asked == [[1]] * 5  # the model does not run for nobody
    np.testing.assert_allclose(results[2].people.boxes, [[0.2, 0.2, 0.5, 0.9]])
    np.testing.assert_allclose(results[2].scores, [[0.0, 0.1, 0.4]])
    assert results[0].scores.shape == (0, 3)


@pytest.mark.parametrize(
    ("batch_size", "persons", "people"),
    [(1, [1] * 6, [[1]] * 5), (4, [4, 2], [[1] * 3, [1] * 2]), (9, [6], [[1] * 5])],
)
def test_keyframes_go_through_the_models_in_batches(film, batch_size, persons, people):
    finder, actions = Walker(), Steps()
    pipeline = ActionPipeline(finder, actions, rate=5.0, batch_size=batch_size)
    with Video(film(30)) as video:
        results = list(pipeline.run(VideoSource(video)))
    assert [result.frame for result in results] == [0, 5, 10, 15, 20, 25]
    assert [len(result.scores) for result in results] == [0, 1, 1, 1, 1, 1]
    assert (finder.asked, actions.asked) == (persons, people)


class Camera:
    """A source that gives frames without end and has no file, such as a camera."""

    name, height, width = "camera", 48, 64

    def __init__(self):
        self.given = 0

    def frames(self):
        while True:
            self.given += 1
            yield (self.given - 1) / 25, np.zeros((48, 64, 3), np.uint8)


def test_results_of_an_endless_source_come_while_it_runs():
    camera = Camera()
    results = ActionPipeline(Walker(), Steps(), rate=5.0).run(camera)
    came = [(next(results).frame, camera.given) for _ in range(3)]
    assert came == [(0, 3), (5, 8), (10, 13)]  # with the clip's last frame, 2 after the keyframe


class Numbers:
    """A source whose frame k shows the number k."""

    name, height, width = "numbers", 24, 32

    def __init__(self, times):
        self.times = times

    def frames(self):
        for number, time in enumerate(self.times):
            yield time, np.full((24, 32, 3), number, np.uint8)


class Crowd:
    """A person finder for `Numbers`: a box moves with the number; some frames show nobody."""

    def __init__(self, hidden=()):
        self.hidden = hidden

    def people(self, frames):
        found = []
        for number in frames[:, 0, 0, 0].tolist():
            boxes = np.array([left_box(number), [0.7, 0.1, 0.9, 0.4]])
            seen = np.array([number not in self.hidden, True])
            found.append(People(boxes[seen], np.array([0.9, 0.8])[seen]))
        return found


def left_box(number):
    x = 0.004 * number
    return [x, 0.5, x + 0.3, 0.5 + 0.3 + x]


class TubeRecorder(Steps):
    """An action backend that keeps the clips and tubes it is given."""

    def __init__(self, clip):
        super().__init__()
        self.clip, self.given = clip, []

    def scores(self, clips, boxes):
        self.given += zip(clips, boxes, strict=True)
        return [np.zeros((len(people), 3), np.float32) for people in boxes]


SHAPES = st.builds(
    ClipShape,
    frames=st.integers(1, 8),
    stride=st.integers(1, 6),
    rate=st.sampled_from([None, 25.0, 12.0]),
    short_side=st.just(24),
)
STEPS = st.lists(st.floats(0.02, 0.08), min_size=1, max_size=60)


@given(
    SHAPES, STEPS, st.sampled_from([2.0, 5.0, 12.5]), st.integers(1, 4), st.sets(st.integers(0, 60))
)
def test_tubes_follow_the_tracks_over_the_keyframes_of_the_clip(shape, steps, rate, size, hidden):
    """By hand, from all results: so they do not depend on the size of a batch."""
    times = np.cumsum([0.0, *steps])
    backend = TubeRecorder(shape)
    pipeline = ActionPipeline(Crowd(hidden), backend, rate, batch_size=size)
    results = list(pipeline.run(Numbers(times.tolist())))
    assert len(backend.given) == len(results)  # somebody stands there all the time
    tracks = {
        (result.frame, track): box
        for result in results
        for track, box in zip(result.people.tracks.tolist(), result.people.boxes, strict=True)
    }
    for result, (clip, tubes) in zip(results, backend.given, strict=True):
        wanted = clip_times(times, result.time, shape.frames, shape.stride, shape.rate)
        shown = nearest_frames(times, wanted)
        assert clip[:, 0, 0, 0].tolist() == shown.tolist()
        assert tubes.shape == (len(result.people.boxes), shape.frames, 4)
        np.testing.assert_array_equal(tubes[:, shape.frames // 2], result.people.boxes)
        for tube, track in zip(tubes, result.people.tracks.tolist(), strict=True):
            known = [
                frame
                for frame, other in tracks
                if other == track and (shown[0] <= frame < shown[-1] or frame == result.frame)
            ]
            boxes = np.array([tracks[frame, track] for frame in known])
            for k in range(4):
                expected = np.interp(times[shown], times[known], boxes[:, k])
                np.testing.assert_allclose(tube[:, k], expected, atol=1e-9)


def test_the_tube_of_a_moving_person_moves():
    """Keyframes are every fifth frame; the clip of keyframe 20 shows 4, 8, 12 .. 32."""
    backend = TubeRecorder(ClipShape(frames=8, stride=4, rate=None, short_side=24))
    times = [number / 25 for number in range(60)]
    results = list(ActionPipeline(Crowd(), backend, rate=5.0).run(Numbers(times)))
    assert results[4].frame == 20
    walker, still = backend.given[4][1]
    # Before keyframe 5 and after keyframe 30 the box stands still.
    numbers = [5, 8, 12, 16, 20, 24, 28, 30]
    np.testing.assert_allclose(walker, [left_box(number) for number in numbers])
    np.testing.assert_allclose(still, [[0.7, 0.1, 0.9, 0.4]] * 8)


def test_the_tube_of_a_person_on_one_keyframe_stands_still():
    shape = ClipShape(frames=8, stride=4, rate=None, short_side=24)
    backend, hidden = TubeRecorder(shape), set(range(60)) - {20}
    times = [number / 25 for number in range(60)]
    list(ActionPipeline(Crowd(hidden), backend, rate=5.0).run(Numbers(times)))
    assert [len(tubes) for _, tubes in backend.given] == [1] * 4 + [2] + [1] * 7
    np.testing.assert_allclose(backend.given[4][1][0], [left_box(20)] * 8)


@pytest.mark.parametrize("size", [1, 3])
def test_people_are_found_when_the_keyframe_arrives(size):
    """Long before its clip is complete; and they are forgotten with the clips that show them."""
    finder, given_frames = Walker(), count()

    class Endless(Numbers):
        def frames(self):
            for number in given_frames:
                yield number / 25, np.full((24, 32, 3), number % 256, np.uint8)

    backend = TubeRecorder(ClipShape(frames=8, stride=16, rate=None, short_side=24))
    pipeline = ActionPipeline(finder, backend, rate=5.0, batch_size=size)
    kept, score = [], pipeline._score

    def noting(clips, seen: deque):
        yield from score(clips, seen)
        kept.append(len(seen))

    pipeline._score = noting
    results = pipeline.run(Endless([]))
    assert next(results).frame == 0
    # The clip reaches 48 frames ahead; 5 frames are between keyframes.
    assert finder.seen >= 48 // 5
    for _ in range(200):
        next(results)
    span = 7 * 16 // 5 + 2 * size
    assert max(kept) <= span
