"""The one-stage detector of people and keypoints: what the maps should say, and what they learn."""

import math

import numpy as np
import pytest
import torch
from torchvision.ops import generalized_box_iou

from ava_det.model.center_pose import (
    STRIDE,
    PeopleMaps,
    center_pose_lite,
    focal,
    giou,
    keypoints_of,
    losses,
    people_on,
    targets,
)
from ava_det.structures import KEYPOINTS

J, SIZE = len(KEYPOINTS), (24, 32)
BOXES = torch.tensor([[8.0, 12.0, 40.0, 84.0], [70.0, 20.0, 110.0, 90.0]])


def points_of(boxes: torch.Tensor) -> torch.Tensor:
    """Return keypoints (R, J, 3) on the diagonal of each box, all known."""
    along = torch.linspace(0.1, 0.9, J)[None, :, None]
    places = boxes[:, None, :2] + along * (boxes[:, None, 2:] - boxes[:, None, :2])
    return torch.cat([places, torch.ones(len(boxes), J, 1)], 2)


@pytest.fixture
def goal():
    return targets(SIZE, [BOXES], [points_of(BOXES)], [torch.zeros(0, 4)])


def perfect(goal) -> PeopleMaps:
    """Return maps that say exactly what they should."""
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    here = (torch.stack([x, y]).float() + 0.5) * STRIDE
    boxes = torch.cat([here - goal.boxes[0, :2], goal.boxes[0, 2:] - here])
    offsets = (goal.points[0].unflatten(0, (J, 2)) - here).flatten(0, 1)
    return PeopleMaps(
        torch.logit(goal.people, eps=1e-4),
        boxes[None],
        offsets[None],
        torch.logit(goal.keypoints, eps=1e-4),
    )


def test_each_person_has_one_peak_at_the_centre(goal):
    assert (goal.people == 1).sum() == 2
    for box in BOXES:
        x, y = ((box[:2] + box[2:]) / 2 / STRIDE).long().tolist()
        assert goal.people[0, 0, y, x] == 1
        assert goal.boxes[0, :, y, x].tolist() == box.tolist()


def test_the_weights_of_a_person_sum_to_the_logarithm_of_the_area(goal):
    area = (BOXES[:, 2:] - BOXES[:, :2]).prod(1)
    assert goal.weights.sum() == pytest.approx(float(area.log().sum()), rel=1e-4)


def test_a_small_person_in_front_owns_the_cells():
    small = torch.tensor([[30.0, 30.0, 50.0, 60.0]])
    large = torch.tensor([[0.0, 0.0, 128.0, 96.0]])
    both = torch.cat([small, large])
    found = targets(SIZE, [both], [points_of(both)], [torch.zeros(0, 4)])
    assert found.boxes[0, :, 11, 10].tolist() == small[0].tolist()
    assert found.boxes[0, :, 12, 16].tolist() == large[0].tolist()


def test_a_crowd_is_not_judged_but_a_person_in_front_of_it_is():
    crowd = torch.tensor([[0.0, 0.0, 60.0, 96.0]])
    found = targets(SIZE, [BOXES], [points_of(BOXES)], [crowd])
    assert not found.counts[0, 0, 0, 0]
    assert found.counts[0, 0, 0, 31]
    assert found.counts[found.people > 0].all()
    wrong = torch.full((1, 1, *SIZE), -9.0)
    wrong[0, 0, 0, 0] = 9.0
    plain = targets(SIZE, [BOXES], [points_of(BOXES)], [torch.zeros(0, 4)])
    alone = focal(wrong, found.people, found.counts)
    assert focal(wrong, plain.people, plain.counts) > alone + 1


def test_perfect_maps_have_no_loss_and_give_the_people_back(goal):
    maps = perfect(goal)
    found = losses(maps, goal)
    assert found["boxes"] < 1e-4
    assert found["offsets"] < 1e-4
    assert found["people"] < 0.2
    assert found["keypoints"] < 0.2
    boxes, scores, keypoints = people_on(maps, SIZE[0] * STRIDE, SIZE[1] * STRIDE)[0]
    order = np.argsort(boxes[:, 0])
    pixels = boxes[order] * [128, 96, 128, 96]
    np.testing.assert_allclose(pixels, BOXES.numpy(), atol=1e-3)
    assert (scores > 0.99).all()
    away = keypoints[order][..., :2] * [128, 96] - points_of(BOXES).numpy()[..., :2]
    assert np.abs(away).max() < STRIDE  # a heat map has cells


def test_a_keypoint_that_is_not_known_is_not_learnt():
    points = points_of(BOXES)
    points[:, 5, 2] = 0
    goal = targets(SIZE, [BOXES], [points], [torch.zeros(0, 4)])
    assert goal.keypoints[0, 5].max() == 0
    assert goal.keypoints[0, 6].max() == 1
    maps = perfect(goal)
    maps.offsets[:, 10:12] += 1000
    assert losses(maps, goal)["offsets"] < 1e-4


def test_nobody_in_the_picture_gives_finite_losses():
    nothing = torch.zeros(0, 4)
    goal = targets(SIZE, [nothing], [torch.zeros(0, J, 3)], [nothing])
    maps = PeopleMaps(*(torch.zeros(1, c, *SIZE) for c in (1, 4, 2 * J, J)))
    found = losses(maps, goal)
    assert all(math.isfinite(float(x)) for x in found.values())
    assert found["boxes"] == 0
    assert found["people"] > 0


def test_giou_is_torchvisions():
    rng = np.random.default_rng(0)
    corners = torch.from_numpy(rng.uniform(0, 50, (2, 40, 2))).float()
    sides = torch.from_numpy(rng.uniform(1, 50, (2, 40, 2))).float()
    a, b = torch.cat([corners, corners + sides], 2)
    torch.testing.assert_close(giou(a, b), generalized_box_iou(a, b).diagonal())


def test_focal_loss_is_the_published_one():
    rng = np.random.default_rng(1)
    logits, goal = rng.normal(size=(5, 6)), rng.uniform(0, 0.9, (5, 6))
    goal[2, 3] = goal[4, 4] = 1
    chance = 1 / (1 + np.exp(-logits))
    hit = (1 - chance) ** 2 * np.log(chance)
    miss = (1 - goal) ** 4 * chance**2 * np.log(1 - chance)
    wanted = -np.where(goal == 1, hit, miss).sum() / 2
    counts = torch.ones(5, 6, dtype=torch.bool)
    found = focal(torch.from_numpy(logits), torch.from_numpy(goal), counts)
    assert float(found) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("size", [(64, 96), (57, 75), (1, 1)])
def test_pictures_of_any_size(size):
    torch.manual_seed(0)
    model = center_pose_lite(channels=16).eval()
    with torch.no_grad():
        maps = model(torch.zeros(2, 3, *size))
        pair = model(torch.cat([torch.zeros(1, 3, *size), torch.full((1, 3, *size), 255.0)]))
    assert maps.people.shape == (2, 1, -(-size[0] // STRIDE), -(-size[1] // STRIDE))
    assert maps.offsets.shape[1] == 2 * J
    torch.testing.assert_close(pair.people[0], maps.people[0])  # no picture changes another one


def test_cells_of_all_levels_lie_above_each_other():
    """A frame of an odd size has the same maps as the frame in a larger grey picture."""
    torch.manual_seed(0)
    model = center_pose_lite(channels=16).eval()
    torch.nn.init.normal_(model.outputs.weight)
    image = torch.randint(0, 255, (1, 3, 45, 75)).float()
    larger = torch.nn.functional.pad(image, (0, 21, 0, 19), value=127.0)
    with torch.no_grad():
        for one, other in zip(model(image), model(larger), strict=True):
            torch.testing.assert_close(one, other[..., :12, :19], rtol=1e-4, atol=1e-4)


def test_a_picture_is_learnt_by_heart():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.integers(0, 255, (1, 3, 12, 16))).float()
    image = image.repeat_interleave(8, 2).repeat_interleave(8, 3)  # 96 x 128
    model = center_pose_lite(channels=16)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    goal = targets(SIZE, [BOXES], [points_of(BOXES)], [torch.zeros(0, 4)])
    history = []
    for _ in range(60):
        found = losses(model(image), goal)
        loss = torch.stack(list(found.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(loss))
    assert history[-1] < history[0] / 3
    with torch.no_grad():
        boxes, _, _ = people_on(model(image), 96, 128)[0]
    best = boxes[:2][np.argsort(boxes[:2, 0])] * [128, 96, 128, 96]
    assert np.abs(best - BOXES.numpy()).max() < 8


def test_keypoints_of_known_boxes_are_those_that_the_peaks_give(goal):
    maps = perfect(goal)
    rois = torch.cat([torch.zeros(2, 1), BOXES], 1)
    places, scores = keypoints_of(maps.offsets, maps.keypoints, rois)
    _, _, found = people_on(maps, 96, 128)[0]
    found = found[np.argsort(found[:, 0, 0])]
    np.testing.assert_allclose(places.numpy(), found[..., :2] * [128, 96], atol=1.5)
    assert (scores > 0.5).all()
    silent = torch.full_like(maps.keypoints, -20.0)
    places, scores = keypoints_of(maps.offsets, silent, rois)
    torch.testing.assert_close(places, points_of(BOXES)[..., :2], atol=2.0, rtol=0)
    assert scores.max() < 1e-6
    far = torch.full_like(maps.offsets, -900.0)
    places, _ = keypoints_of(far, silent, rois)
    assert torch.isfinite(places).all()
    assert (places < -500).all()
    assert keypoints_of(maps.offsets, silent, rois[:0])[0].shape == (0, J, 2)
