"""Testing by several views: what each sees, and that scores are their mean."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ava_det.batch import PeopleBatch, keyframe_boxes
from ava_det.model.criterion import ExclusiveCrossEntropy, FocalLoss, SigmoidCrossEntropy
from ava_det.model.heads import RoIHead
from ava_det.model.zoo import build_detector
from ava_det.structures import Keyframe, PersonBoxes
from ava_det.train.features import FeatureExport
from ava_det.train.run import evaluate
from ava_det.train.tasks import Detection
from ava_det.train.views import resize


class BoxMean(nn.Module):
    """Scores a box by the mean of the pixels in it: what a view shows there."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, clips, boxes):
        self.seen.append(tuple(clips.shape[-2:]))
        rows = []
        for clip, of_clip in zip(clips.float(), boxes, strict=True):
            for x1, y1, x2, y2 in of_clip.round().int().tolist():
                rows.append(clip[:, :, y1:y2, x1:x2].mean((1, 2, 3)) / 50)
        return torch.stack(rows) if rows else torch.zeros(0, 3)


def batch():
    """Two clips with a bright patch each, where the boxes are; one clip has nobody."""
    clips = torch.zeros(3, 3, 2, 40, 60, dtype=torch.uint8)
    boxes = [
        torch.tensor([[10.0, 4, 30, 24]]),
        torch.zeros(0, 4),
        torch.tensor([[40.0, 8, 60, 40]]),
    ]
    clips[0, :, :, 4:24, 10:30], clips[2, 0, :, 8:40, 40:60] = 100, 50
    people = [
        PersonBoxes(
            Keyframe("v", n),
            b.numpy().astype(np.float64) / [60, 40, 60, 40],
            ((),) * len(b),
            np.ones(len(b)),
            np.zeros(len(b), np.int64),
        )
        for n, b in enumerate(boxes)
    ]
    return PeopleBatch(
        clips, [(40, 60)] * 3, boxes, [torch.zeros(len(b), 3) for b in boxes], people
    )


class Recorder(BoxMean):
    """A `BoxMean` that keeps the boxes it is given, and scores by those on the keyframe."""

    def __init__(self, takes_tubes):
        super().__init__()
        self.takes_tubes, self.given = takes_tubes, []

    def forward(self, clips, boxes, sizes=None):
        self.given += boxes
        return super().forward(clips, [keyframe_boxes(some) for some in boxes])


EXPECTED = [[[2.0, 2.0, 2.0]], np.zeros((0, 3)), [[1.0, 0.0, 0.0]]]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("scales", [(1.0,), (0.5,), (1.0, 0.5, 1.5)])
def test_every_view_shows_the_same_people(flip, scales):
    model = BoxMean()
    found = Detection(lambda *_: {}, flip, scales).predict(model, batch())
    assert len(model.seen) == len(scales) * (1 + flip)
    assert set(model.seen) == {(round(40 * s), round(60 * s)) for s in scales}
    for people, logits in zip(found, EXPECTED, strict=True):
        expected = 1 / (1 + np.exp(-np.asarray(logits)))
        # Resizing blurs a patch's border by a few per cent.
        np.testing.assert_allclose(people.scores, expected, atol=0.03)


@pytest.mark.parametrize("takes_tubes", [False, True])
def test_tubes_go_to_models_that_take_tubes(takes_tubes):
    plain = batch()
    steps = torch.tensor([-2.0, 0.0])[:, None]  # the box on frame 0 is further to the left and up
    tubes = [boxes[:, None] + steps for boxes in plain.boxes]
    tubed = replace(plain, boxes=tubes)
    task = Detection(SigmoidCrossEntropy(), flip=True, scales=(1.0, 2.0))
    model, expected = Recorder(takes_tubes), task.predict(BoxMean(), plain)
    for found, other in zip(task.predict(model, tubed), expected, strict=True):
        np.testing.assert_allclose(found.scores, other.scores)
        np.testing.assert_array_equal(found.boxes, other.boxes)  # those of the record
    assert len(model.given) == 4 * 3
    for k, boxes in enumerate(model.given):
        assert boxes.dim() == (3 if takes_tubes else 2)
        if takes_tubes:
            scale, mirrored = 1 + k // 6, k // 3 % 2
            step = torch.tensor([2.0 if mirrored else -2.0, -2.0]).repeat(2) * scale
            torch.testing.assert_close(boxes[:, 0], boxes[:, 1] + step)
    assert torch.isfinite(task.losses(model, tubed, np.random.default_rng(0))["loss_action"])


def test_scores_are_the_mean_over_views():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias, self.calls = nn.Parameter(torch.zeros(1)), 0

        def forward(self, clips, boxes):
            self.calls += 1
            return torch.full((2, 3), float(self.calls))

    found = Detection(lambda *_: {}, flip=True).predict(Counting(), batch())
    expected = (torch.tensor([1.0, 2.0]).sigmoid()).mean().item()
    np.testing.assert_allclose(found[2].scores, expected, rtol=1e-6)


@pytest.fixture(scope="module")
def model():
    """A head that sees the whole clip as well, with weights that tell people apart."""
    torch.manual_seed(0)
    model = build_detector("slowfast_tiny", 3, {"width": 8}, context=True).eval()
    nn.init.normal_(model.head.projection.weight)
    return model


def sample(number, height, width):
    """A clip of noise, with two people."""
    rng = np.random.default_rng(number)
    clip = torch.from_numpy(rng.integers(0, 256, (3, 8, height, width), np.uint8))
    relative = np.array([[0.1, 0.2, 0.5, 0.9], [0.4, 0, 1, 1]])
    keyframe = Keyframe("v", number)
    people = PersonBoxes(keyframe, relative, ((),) * 2, np.ones(2), np.zeros(2, np.int64))
    boxes = torch.from_numpy(relative * [width, height, width, height]).float()
    return PeopleBatch(clip[None], [(height, width)], [boxes], [torch.ones(2, 3)], [people])


MIXED = [sample(n, *size) for n, size in enumerate([(48, 64), (64, 48), (64, 48), (32, 40)])]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("scales", [(1.0,), (0.8, 1.0)])
def test_a_score_does_not_depend_on_the_rest_of_a_batch(model, flip, scales):
    task = Detection(lambda *_: {}, flip, scales)
    with torch.no_grad():
        together = task.predict(model, PeopleBatch.join(MIXED))
        alone = [task.predict(model, PeopleBatch.join([one]))[0] for one in MIXED]
    for a, b in zip(together, alone, strict=True):
        assert a.keyframe == b.keyframe
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)
    assert np.ptp([people.scores for people in alone]) > 0.1


def test_features_come_in_the_order_of_the_people(model, tmp_path):
    """Of a batch that is tested in parts."""
    files = []
    for name, batches in (("a", [MIXED]), ("b", [[one] for one in MIXED])):
        export = FeatureExport(tmp_path / name, model.head.projection)
        task = Detection(lambda *_: {}, flip=True)
        evaluate(model, task, [PeopleBatch.join(samples) for samples in batches], export)
        files.append(np.load(tmp_path / name))
    np.testing.assert_array_equal(files[0]["tick"], [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_allclose(files[0]["feature"], files[1]["feature"], atol=1e-4)


def test_the_context_of_a_training_clip_is_without_padding(model):
    """The loss of a clip in a batch with larger ones, whose features end where the clip does."""
    features = [torch.rand(2, 64, 2, 5, 6), torch.rand(2, 8, 8, 5, 6)]
    head = RoIHead((64, 8), 3, stride=16, context=True).eval()
    rois = torch.tensor([[0.0, 0, 0, 40, 30], [1, 4, 4, 90, 70]])
    padded = [x.clone() for x in features]
    for x in padded:
        x[0, ..., 3:, :], x[0, ..., 3:] = 9, 9  # never seen by the clip of 3 x 3 cells
    with torch.no_grad():
        seen = [head(x, rois, [(48, 33), (80, 96)]) for x in (features, padded)]
        whole = head(padded, rois)
        alone = head([x[:1, ..., :3, :3] for x in features], rois[:1])
    torch.testing.assert_close(*seen)
    torch.testing.assert_close(seen[0][:1], alone)
    torch.testing.assert_close(seen[1][1], whole[1])
    assert (seen[1][0] - whole[0]).abs().max() > 0.01


def test_boxes_are_scaled_by_what_the_sides_became():
    clips, factors = resize(torch.zeros(1, 3, 2, 33, 47, dtype=torch.uint8), 0.5)
    assert clips.shape == (1, 3, 2, 16, 24)
    assert factors.tolist() == pytest.approx([24 / 47, 16 / 33] * 2)


@pytest.mark.parametrize(
    "criterion", [SigmoidCrossEntropy(), FocalLoss(), ExclusiveCrossEntropy([0, 1])]
)
def test_a_batch_without_people_costs_nothing(criterion):
    """Every parameter has a gradient all the same, which processes that average them wait for."""
    model = build_detector("slowfast_tiny", 3, {"width": 8})
    empty = PeopleBatch(
        clips=torch.zeros(2, 3, 8, 32, 32, dtype=torch.uint8),
        sizes=[(32, 32)] * 2,
        boxes=[torch.zeros(0, 4)] * 2,
        targets=[torch.zeros(0, 3)] * 2,
        people=[PersonBoxes.nobody(Keyframe("v", n)) for n in range(2)],
    )
    losses = Detection(criterion).losses(model, empty, np.random.default_rng(0))
    sum(losses.values()).backward()
    assert all(loss.item() == 0 for loss in losses.values())
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())
