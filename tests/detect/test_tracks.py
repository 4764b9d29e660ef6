"""Who is who."""

import numpy as np
import pytest

from ava_det.detect.protocols import People
from ava_det.detect.tracks import PersonTracker

LEFT, RIGHT = [0.1, 0.1, 0.3, 0.8], [0.5, 0.1, 0.7, 0.8]


def seen(boxes: list, scores: list) -> People:
    return People(np.array(boxes, float).reshape(-1, 4), np.array(scores, float))


def tracker() -> PersonTracker:
    return PersonTracker(height=240, width=320, rate=5.0, threshold=0.5)


def test_people_keep_their_ids_while_they_move():
    tracks = tracker()
    ids = []
    for tick in range(6):
        moved = [(np.array(box) + 0.03 * tick).tolist() for box in (LEFT, RIGHT)]
        people = tracks.update(seen(moved, [0.9, 0.8]), tick / 5)
        ids.append(people.tracks.tolist())
        np.testing.assert_allclose(people.boxes, moved)
    assert ids == [[0, 1]] * 6


def test_the_order_of_detections_does_not_matter():
    tracks = tracker()
    assert tracks.update(seen([LEFT, RIGHT], [0.9, 0.8]), 0.0).tracks.tolist() == [0, 1]
    people = tracks.update(seen([RIGHT, LEFT], [0.9, 0.8]), 0.2)
    assert people.tracks.tolist() == [1, 0]
    assert people.boxes.tolist() == [RIGHT, LEFT]
    assert people.scores.tolist() == [0.9, 0.8]


def test_a_dim_person_only_prolongs_a_track():
    tracks = tracker()
    assert tracks.update(seen([LEFT], [0.3]), 0.0).tracks.tolist() == []
    assert tracks.update(seen([LEFT], [0.7]), 0.2).tracks.tolist() == [0]
    assert tracks.update(seen([LEFT, RIGHT], [0.3, 0.3]), 0.4).tracks.tolist() == [0]
    assert tracks.update(seen([LEFT], [0.05]), 0.6).tracks.tolist() == []


@pytest.mark.parametrize(("gap", "expected"), [(1.0, 0), (10.0, 1)])
def test_a_track_outlives_a_short_absence(gap, expected):
    tracks = tracker()
    for tick in range(3):
        tracks.update(seen([LEFT], [0.9]), tick / 5)
    assert len(tracks.update(seen([], []), 0.6).boxes) == 0
    assert tracks.update(seen([LEFT], [0.9]), 0.4 + gap).tracks.tolist() == [expected]


def test_two_people_close_together_start_two_tracks():
    near = [[0.1, 0.1, 0.3, 0.8], [0.15, 0.1, 0.35, 0.8]]
    people = tracker().update(seen(near, [0.9, 0.8]), 0.0)
    assert sorted(people.tracks.tolist()) == [0, 1]


def test_keypoints_stay_with_their_people():
    keypoints = np.arange(2 * 17 * 3.0).reshape(2, 17, 3)
    found = seen([LEFT, RIGHT], [0.01, 0.9])  # the first one is too dim for a track
    people = tracker().update(People(found.boxes, found.scores, keypoints=keypoints), 0.0)
    np.testing.assert_array_equal(people.keypoints, keypoints[1:])
    assert tracker().update(found, 0.0).keypoints is None
