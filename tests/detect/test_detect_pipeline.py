"""The pipeline joins people, tracks and actions."""

import numpy as np
import pytest
from stub_models import Steps, Walker

from ava_det.detect.pipeline import ActionPipeline
from ava_det.detect.sources import VideoSource
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
