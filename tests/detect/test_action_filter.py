"""Which actions of a person are reported."""

import numpy as np
import pytest

from ava_det.detect.action_filter import ActionFilter
from ava_det.detect.pipeline import ScoredPeople
from ava_det.detect.protocols import People
from ava_det.formats.class_map import ClassMap

CLASS_MAP = ClassMap({2: "walk", 5: "carry/hold (an object)", 7: "sit"})


@pytest.mark.parametrize(
    ("threshold", "top_k", "expected"),
    [(0.0, 0, [5, 7, 2]), (0.3, 0, [5, 7]), (0.0, 1, [5]), (0.95, 0, []), (0.9, 3, [5])],
)
def test_the_best_actions_above_the_threshold_are_reported(threshold, top_k, expected):
    actions = ActionFilter(CLASS_MAP, threshold, top_k).actions(np.array([0.25, 0.9, 0.5]))
    assert [action.id for action in actions] == expected
    assert all(action.name == CLASS_MAP.names[action.id] for action in actions)
    assert [action.score for action in actions] == sorted((a.score for a in actions), reverse=True)


def test_people_without_an_action_are_kept():
    boxes = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    people = People(boxes, np.array([0.75, 0.5]), np.array([4, 9]))
    scores = np.array([[0.1, 0.2, 0.1], [0.5, 0.1, 0.1]], np.float32)
    result = ActionFilter(CLASS_MAP, 0.3, 0)(ScoredPeople(30, 1.2, people, scores))
    assert (result.frame, result.time) == (30, 1.2)
    first, second = result.people
    assert (first.track, first.score, first.actions) == (4, 0.75, ())
    assert [(a.id, a.name, a.score) for a in second.actions] == [(2, "walk", 0.5)]
    np.testing.assert_array_equal([first.box, second.box], boxes)
