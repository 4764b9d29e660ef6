"""COCO's AP and recall of person boxes, by hand."""

import math

import numpy as np
import pytest

from ava_det.evaluation.person_boxes import person_ap, person_recall
from ava_det.structures import Keyframe, PersonBoxes

A, B = Keyframe("film", 0), Keyframe("film", 1)
LEFT, RIGHT = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]
HALF_OF_LEFT = [0.0, 0.0, 0.5, 0.5]  # IoU 0.5 with LEFT
MOST_OF_LEFT = [0.0, 0.0, 0.5, 0.72]  # IoU 0.72: right at the thresholds 0.5 to 0.7


def people(keyframe: Keyframe, *boxes: list[float], scores: list[float] | None = None):
    count = len(boxes)
    return PersonBoxes(
        keyframe,
        np.array(boxes, float).reshape(-1, 4),
        ((),) * count,
        np.array(scores or [1.0] * count, float),
        np.full(count, -1),
    )


def table(*groups: PersonBoxes) -> dict[Keyframe, PersonBoxes]:
    return {group.keyframe: group for group in groups}


TRUTH = table(people(A, LEFT, RIGHT), people(B, LEFT))


@pytest.mark.parametrize(
    ("found", "ap", "ap50", "recall"),
    [
        (TRUTH, 1.0, 1.0, 1.0),
        ({}, 0.0, 0.0, 0.0),
        # One of three is found: precision 1 at 34 of COCO's 101 recalls (0.00 to 0.33).
        (table(people(B, LEFT)), 34 / 101, 34 / 101, 1 / 3),
        # All are found after a surer false one: precision 3/4 at all recalls.
        (
            table(
                people(A, LEFT, RIGHT, scores=[0.8, 0.7]),
                people(B, LEFT, RIGHT, scores=[0.6, 0.9]),
            ),
            0.75,
            0.75,
            1.0,
        ),
        # Not on a keyframe of the truth: not counted.
        ({**TRUTH, **table(people(Keyframe("other", 0), LEFT))}, 1.0, 1.0, 1.0),
    ],
)
def test_ap_and_recall_by_hand(found, ap, ap50, recall):
    result = person_ap(TRUTH, found)
    assert result["AP"] == pytest.approx(ap)
    assert result["AP50"] == pytest.approx(ap50)
    assert person_recall(TRUTH, found) == pytest.approx(recall)


def test_ap_is_the_mean_over_ten_thresholds():
    result = person_ap(table(people(A, LEFT)), table(people(A, MOST_OF_LEFT)))
    assert result["AP50"] == pytest.approx(1.0)
    assert result["AP"] == pytest.approx(0.5)


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, 1.0), (0.51, 0.0)])
def test_recall_counts_from_its_threshold_on(threshold, expected):
    truth, found = table(people(A, LEFT)), table(people(A, HALF_OF_LEFT))
    assert person_recall(truth, found, threshold) == expected


def test_nobody_to_find():
    with pytest.raises(ValueError, match="no annotated person"):
        person_ap(table(people(A)), {})
    assert math.isnan(person_recall(table(people(A)), {}))
