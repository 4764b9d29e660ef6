"""Who is who, and where people are between keyframes."""

import numpy as np
import pytest

from ava_det.detect.tracks import PersonTracker, between
from ava_det.structures import ActionDetections, Keyframe, PersonBoxes

LEFT, RIGHT = [0.1, 0.1, 0.3, 0.8], [0.5, 0.1, 0.7, 0.8]


def seen(tick: int, boxes: list, scores: list) -> PersonBoxes:
    count = len(boxes)
    return PersonBoxes(
        Keyframe("film", tick),
        np.array(boxes, float).reshape(-1, 4),
        tuple((k + 1,) for k in range(count)),
        np.array(scores, float),
        np.full(count, -1),
    )


def tracker() -> PersonTracker:
    return PersonTracker(height=240, width=320, rate=5.0, threshold=0.5)


def test_people_keep_their_ids_while_they_move():
    tracks = tracker()
    ids = []
    for tick in range(6):
        moved = [(np.array(box) + 0.03 * tick).tolist() for box in (LEFT, RIGHT)]
        people = tracks.update(seen(tick, moved, [0.9, 0.8]), tick / 5)
        ids.append(people.person_ids.tolist())
        np.testing.assert_allclose(people.boxes, moved)
    assert ids == [[0, 1]] * 6


def test_the_order_of_detections_does_not_matter():
    tracks = tracker()
    assert tracks.update(seen(0, [LEFT, RIGHT], [0.9, 0.8]), 0.0).person_ids.tolist() == [0, 1]
    people = tracks.update(seen(1, [RIGHT, LEFT], [0.9, 0.8]), 0.2)
    assert people.person_ids.tolist() == [1, 0]
    assert people.actions == ((1,), (2,))


def test_a_dim_person_only_prolongs_a_track():
    tracks = tracker()
    assert tracks.update(seen(0, [LEFT], [0.3]), 0.0).person_ids.tolist() == []
    assert tracks.update(seen(1, [LEFT], [0.7]), 0.2).person_ids.tolist() == [0]
    assert tracks.update(seen(2, [LEFT, RIGHT], [0.3, 0.3]), 0.4).person_ids.tolist() == [0]
    assert tracks.update(seen(3, [LEFT], [0.05]), 0.6).person_ids.tolist() == []


@pytest.mark.parametrize(("gap", "expected"), [(1.0, 0), (10.0, 1)])
def test_a_track_outlives_a_short_absence(gap, expected):
    tracks = tracker()
    for tick in range(3):
        tracks.update(seen(tick, [LEFT], [0.9]), tick / 5)
    assert len(tracks.update(seen(3, [], []), 0.6).boxes) == 0
    assert tracks.update(seen(9, [LEFT], [0.9]), 0.4 + gap).person_ids.tolist() == [expected]


def test_two_people_close_together_start_two_tracks():
    near = [[0.1, 0.1, 0.3, 0.8], [0.15, 0.1, 0.35, 0.8]]
    people = tracker().update(seen(0, near, [0.9, 0.8]), 0.0)
    assert sorted(people.person_ids.tolist()) == [0, 1]


def told(tick: int, boxes: list, ids: list) -> ActionDetections:
    count = len(ids)
    return ActionDetections(
        Keyframe("film", tick),
        np.array(boxes, float).reshape(-1, 4),
        np.full((count, 2), tick, np.float32),
        np.ones(count),
        np.array(ids, np.int64),
    )


@pytest.mark.parametrize(
    ("fraction", "tick", "ids", "x1"),
    [
        (0.0, 0, [4, 5], [0.1, 0.5]),
        (0.25, 0, [4, 5], [0.15, 0.5]),
        (0.5, 10, [6, 4], [0.8, 0.2]),
        (0.75, 10, [6, 4], [0.8, 0.25]),
        (1.0, 10, [6, 4], [0.8, 0.3]),
    ],
)
def test_people_move_evenly_between_keyframes(fraction, tick, ids, x1):
    before = told(0, [[0.1, 0, 0.2, 1], [0.5, 0, 0.6, 1]], [4, 5])
    after = told(10, [[0.8, 0, 0.9, 1], [0.3, 0, 0.4, 1]], [6, 4])
    nearer, boxes = between(before, after, fraction)
    assert nearer.keyframe.tick == tick
    assert nearer.track_ids.tolist() == ids
    np.testing.assert_allclose(boxes[:, 0], x1)
