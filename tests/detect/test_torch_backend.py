"""Our models behind the two protocols: sizes, batches, relative boxes."""

import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances
from torch import nn

from ava_det.detect.backends.torch import TorchActions, TorchPersons
from ava_det.formats.class_map import ClassMap
from ava_det.model.center_pose import center_pose_lite
from ava_det.model.zoo import build_detector
from ava_det.structures import ClipShape


class Bright(nn.Module):
    """Finds the bounding box of the bright pixels of each image, as detectron2 would say it."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, items):
        outputs = []
        for item in items:
            self.sizes.append(tuple(item["image"].shape))
            assert (item["height"], item["width"]) == tuple(item["image"].shape[1:])
            rows, columns = torch.nonzero(item["image"][0] > 128, as_tuple=True)
            instances = Instances(item["image"].shape[1:])
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            instances.pred_boxes = Boxes(torch.tensor([box]).float())
            instances.scores = torch.tensor([0.75])
            outputs.append({"instances": instances})
        return outputs


@pytest.mark.parametrize("short_side", [40, 80, 160])
def test_boxes_are_relative_whatever_the_input_size(short_side):
    frames = np.zeros((2, 80, 120, 3), np.uint8)
    frames[0, 20:60, 30:90] = 255
    frames[1, 0:40, 60:120] = 255
    detector = TorchPersons(Bright(), short_side)
    first, second = detector.people(frames)
    assert detector.model.sizes == [(3, short_side, short_side * 3 // 2)] * 2
    np.testing.assert_allclose(first.boxes, [[0.25, 0.25, 0.75, 0.75]], atol=0.02)
    np.testing.assert_allclose(second.boxes, [[0.5, 0.0, 1.0, 0.5]], atol=0.02)
    assert first.scores.tolist() == [0.75]


@pytest.fixture(scope="module")
def actions() -> TorchActions:
    torch.manual_seed(0)
    model = build_detector("slowfast_tiny", 3, {"width": 8})
    classes = ClassMap({1: "stand", 4: "sit", 9: "talk"})
    return TorchActions(model, classes, ClipShape(8, 2, 25.0, 32))


def test_scores_are_those_of_the_model(actions):
    clip = np.random.default_rng(0).integers(256, size=(1, 8, 32, 48, 3), dtype=np.uint8)
    boxes = np.array([[0.25, 0.0, 0.75, 1.0], [0.0, 0.5, 1.0, 1.0]])
    (scores,) = actions.scores(clip, [boxes])
    pixels = torch.tensor([[12.0, 0, 36, 32], [0, 16, 48, 32]])
    with torch.inference_mode():
        logits = actions.model(torch.from_numpy(clip).permute(0, 4, 1, 2, 3), [pixels])
    np.testing.assert_allclose(scores, logits.sigmoid().numpy(), rtol=1e-6)
    assert scores.dtype == np.float32


def test_a_plain_model_gets_the_box_on_the_keyframe(actions):
    rng = np.random.default_rng(0)
    clips = rng.integers(256, size=(2, 8, 32, 48, 3), dtype=np.uint8)
    tubes = [np.sort(rng.uniform(size=(n, 8, 2, 2)), axis=2).reshape(n, 8, 4) for n in (2, 0)]
    expected = actions.scores(clips, [tube[:, 4] for tube in tubes])
    for found, other in zip(actions.scores(clips, tubes), expected, strict=True):
        np.testing.assert_array_equal(found, other)


class Tubes(nn.Module):
    """A model that takes tubes and scores how far the left side of a box moves, in pixels."""

    takes_tubes = True

    def forward(self, clips, boxes):
        left = torch.cat([tube[:, :, 0] for tube in boxes])
        return (left[:, -1] - left[:, 0])[:, None]


def test_a_model_that_takes_tubes_gets_tubes_in_pixels():
    actions = TorchActions(Tubes(), ClassMap({1: "move"}), ClipShape(8, 2, 25.0, 32))
    clips = np.zeros((2, 8, 32, 48, 3), np.uint8)
    tubes = np.zeros((3, 8, 4))
    tubes[:, -1, 0] = [0.25, 0.0, 0.125]
    first, second = actions.scores(clips, [tubes[:1], tubes[1:]])
    moved = np.array([12.0, 0.0, 6.0])
    scores = np.concatenate([first, second])[:, 0]
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-moved)), rtol=1e-6)


def test_several_keyframes_at_once_score_as_one_by_one(actions):
    rng = np.random.default_rng(1)
    clips = rng.integers(256, size=(4, 8, 32, 48, 3), dtype=np.uint8)
    counts = [2, 0, 1, 3]
    corners = [np.sort(rng.uniform(size=(count, 2, 2)), axis=1) for count in counts]
    boxes = [corner.reshape(-1, 4) for corner in corners]
    together = actions.scores(clips, boxes)
    assert [part.shape for part in together] == [(count, 3) for count in counts]
    for clip, people, part in zip(clips, boxes, together, strict=True):
        (alone,) = actions.scores(clip[None], [people])
        np.testing.assert_allclose(part, alone, rtol=1e-5, atol=1e-6)
    assert np.ptp(np.concatenate(together), axis=0).min() > 1e-4  # the people do differ


def test_a_detector_with_keypoints_gives_them_relative_to_the_frame():
    torch.manual_seed(0)
    model = center_pose_lite(channels=16)
    torch.nn.init.normal_(model.outputs.weight, std=0.1)
    with torch.no_grad():
        model.outputs.bias[0] = 0.0  # people everywhere
    frames = np.random.default_rng(0).integers(0, 255, (2, 60, 90, 3), dtype=np.uint8)
    found = TorchPersons(model, short_side=64).people(frames)
    alone = TorchPersons(model, short_side=64).people(frames[1:])
    for people in found:
        assert len(people.boxes)
        assert people.keypoints.shape == (len(people.boxes), 17, 3)
        assert ((people.boxes >= 0) & (people.boxes <= 1)).all()
        assert (np.diff(people.scores) <= 0).all()
        assert ((people.keypoints[..., 2] >= 0) & (people.keypoints[..., 2] <= 1)).all()
    np.testing.assert_allclose(found[1].boxes, alone[0].boxes, atol=1e-4)
