"""People and keypoints that are read from maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ava_det.boxes import iou
from ava_det.peaks import OVERLAP, different_people, read_people
from ava_det.structures import KEYPOINTS

J, STRIDE = len(KEYPOINTS), 4


def empty_maps(height: int = 12, width: int = 16) -> dict[str, np.ndarray]:
    """Return the maps of a picture without people."""
    channels = {"people": 1, "boxes": 4, "offsets": 2 * J, "keypoints": J}
    maps = {name: np.zeros((c, height, width), np.float32) for name, c in channels.items()}
    maps["people"] -= 8
    maps["keypoints"] -= 8
    return maps


def add_person(maps: dict, x: int, y: int, logit: float, sides: tuple[float, ...]) -> None:
    maps["people"][0, y, x] = logit
    maps["boxes"][:, y, x] = sides


def test_a_picture_without_people_has_none():
    boxes, scores, keypoints = read_people(**empty_maps(), stride=STRIDE)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)
    assert keypoints.shape == (0, J, 3)


def test_a_peak_is_a_person_and_its_neighbours_are_not():
    maps = empty_maps()
    add_person(maps, 5, 6, 2.0, (8, 10, 12, 14))
    maps["people"][0, 6, 6] = 1.0  # as high as 0.73, beside the peak
    boxes, scores, _ = read_people(**maps, stride=STRIDE)
    np.testing.assert_allclose(boxes, [[22 - 8, 26 - 10, 22 + 12, 26 + 14]])
    assert scores == pytest.approx([1 / (1 + np.exp(-2.0))])


def test_a_keypoint_moves_to_the_peak_nearby_and_stays_without_one():
    maps = empty_maps()
    add_person(maps, 8, 6, 3.0, (30, 24, 30, 24))
    maps["offsets"][0:2, 6, 8] = 4.0, -4.0  # the nose: one cell to the right, one up
    maps["keypoints"][0, 5, 10] = 4.0  # one cell further to the right
    maps["offsets"][2:4, 6, 8] = -8.0, 0.0  # the left eye has no peak
    _, _, keypoints = read_people(**maps, stride=STRIDE)
    np.testing.assert_allclose(keypoints[0, 0, :2], [10.5 * STRIDE, 5.5 * STRIDE], atol=0.05)
    assert keypoints[0, 0, 2] == pytest.approx(1 / (1 + np.exp(-4.0)))
    np.testing.assert_allclose(keypoints[0, 1, :2], [34 - 8, 26])
    assert keypoints[0, 1, 2] < 0.01


def test_each_of_two_people_gets_the_peak_of_their_own():
    maps = empty_maps()
    for x in (3, 12):
        add_person(maps, x, 6, 3.0, (10, 20, 10, 20))
        maps["keypoints"][0, 3, x] = 3.0
        maps["offsets"][1, 6, x] = -12.0
    _, _, keypoints = read_people(**maps, stride=STRIDE)
    assert sorted(keypoints[:, 0, 0]) == pytest.approx([3.5 * STRIDE, 12.5 * STRIDE], abs=0.05)


def test_keypoints_outside_of_the_picture_stay_where_they_are():
    maps = empty_maps()
    add_person(maps, 0, 0, 3.0, (10, 20, 10, 20))
    maps["offsets"][:, 0, 0] = -500.0
    _, _, keypoints = read_people(**maps, stride=STRIDE)
    np.testing.assert_allclose(keypoints[0, :, :2], 2.0 - 500.0)
    assert (keypoints[0, :, 2] == 0).all()


def test_a_box_of_the_upper_body_is_the_same_person():
    whole, upper, child = [10.0, 10, 50, 110], [12.0, 11, 48, 60], [20.0, 60, 45, 108]
    boxes = np.array([whole, upper, child])
    assert different_people(boxes, np.array([0.9, 0.8, 0.7])).tolist() == [0, 2]
    assert different_people(boxes, np.array([0.7, 0.8, 0.9])).tolist() == [2, 1]


@given(st.integers(0, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_kept_people_differ_and_the_best_comes_first(count, seed):
    rng = np.random.default_rng(seed)
    corner, sides = rng.uniform(0, 60, (count, 2)), rng.uniform(4, 60, (count, 2))
    boxes, scores = np.concatenate([corner, corner + sides], 1), rng.random(count)
    kept = different_people(boxes, scores)
    assert (np.diff(scores[kept]) <= 0).all()
    met = iou(boxes[kept], boxes[kept])
    assert (met - np.eye(len(kept)) <= OVERLAP + 1e-9).all()
    assert not count or kept[0] == scores.argmax()
