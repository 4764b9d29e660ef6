"""Figures of a person detector on labelled pictures."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from ava_det.boxes import to_relative
from ava_det.detect.protocols import People
from ava_det.formats.coco_people import Picture
from people_figures import coco_figures, figures_of, near_keypoints, second_boxes

SIZE = (100, 200)
BOXES = np.array([[10, 10, 50, 90], [100, 10, 140, 90]], np.float32)
CROWD = np.array([[150, 0, 200, 100]], np.float32)


def picture() -> Picture:
    points = np.zeros((2, 17, 3), np.float32)
    points[0] = [30, 50, 1]
    points[0, [5, 6], 1], points[0, [11, 12], 1] = 30, 70  # a torso of 40 pixels
    return Picture("film.mp4", 0, SIZE, BOXES, points, CROWD)


def found(*boxes: tuple[float, ...], shift: float = 0.0) -> People:
    rows = np.array(boxes, float).reshape(-1, 4)
    scores = np.linspace(0.9, 0.6, len(rows))
    points = np.repeat(picture().keypoints[:1], len(rows), 0).astype(float)
    points[:, 0, 0] += shift
    return People(to_relative(rows, *SIZE), scores, keypoints=points / [SIZE[1], SIZE[0], 1])


def test_perfect_boxes_have_perfect_figures_and_crowds_do_not_count():
    inside = (160, 10, 190, 90)
    figures = coco_figures([picture()], [found(*BOXES.tolist(), inside)])
    assert figures == pytest.approx(dict.fromkeys(figures, 1.0))
    outside = (60, 10, 90, 40)
    assert coco_figures([picture()], [found(outside, *BOXES.tolist())])["AP50"] < 0.7


def test_a_loose_box_is_found_at_half_only():
    loose = [(10, 10, 50, 60), BOXES[1].tolist()]  # an IoU of 0.625
    figures = coco_figures([picture()], [found(*loose)])
    assert figures["recall at 0.5"] == 1
    assert figures["recall at 0.75"] == pytest.approx(0.5)
    assert coco_figures([picture()], [found()])["AP50"] == 0


def test_second_boxes_are_counted():
    assert second_boxes(picture(), found(*BOXES.tolist())) == 0
    assert second_boxes(picture(), found(*BOXES.tolist(), (10, 10, 50, 60))) == 1
    assert second_boxes(picture(), found((160, 10, 190, 90))) == 0  # on nobody


def test_keypoints_within_a_fifth_of_a_torso_are_near():
    assert near_keypoints(picture(), found(*BOXES.tolist(), shift=7.9)) == [True] * 17
    assert sum(near_keypoints(picture(), found(*BOXES.tolist(), shift=8.1))) == 16
    assert near_keypoints(picture(), found((160, 10, 190, 90))) == []


def test_figures_are_words():
    words = figures_of([picture()], [found(*BOXES.tolist())])
    assert words[0] == "AP50 100.0 %"
    assert words[-2:] == ["second boxes 0.000", "PCK@0.2 100.0 % of 17 keypoints"]
    plain = found(*BOXES.tolist())
    assert not figures_of([picture()], [People(plain.boxes, plain.scores)])[-1].startswith("PCK")
