"""Every loss against its formula, written out."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ava_det.formats.class_map import ClassMap
from ava_det.model.criterion import (
    ExclusiveCrossEntropy,
    FocalLoss,
    SigmoidCrossEntropy,
    SoftTargetCrossEntropy,
    effective_number_weights,
    label_counts,
)
from ava_det.model.heads import exclusive_logits
from ava_det.structures import AnnotatedKeyframe, Keyframe, PersonBoxes

WEIGHTS = [0.5, 2.0, 1.0, 0.5, 1.0]


@pytest.fixture
def logits():
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(0)) * 3


@pytest.fixture
def targets():
    # Columns 0 to 2 exclude each other; the third person has none of them.
    rows = ["10011", "01000", "00001", "00110", "10000", "00101"]
    return torch.tensor([[float(c) for c in row] for row in rows])


def probabilities(logits):
    return 1 / (1 + np.exp(-logits.double().numpy()))


def test_soft_targets_against_the_sum(logits):
    y = torch.rand(6, 5).softmax(1)
    expected = -(y * logits.log_softmax(1)).sum(1).mean()
    assert SoftTargetCrossEntropy()(logits, y)["loss_class"] == pytest.approx(expected.item())


def test_label_smoothing_moves_a_share_to_all_classes_alike(logits):
    y = torch.rand(6, 5, generator=torch.Generator().manual_seed(1)).softmax(1)
    smoothed = SoftTargetCrossEntropy(label_smoothing=0.1)(logits, y)["loss_class"]
    expected = SoftTargetCrossEntropy()(logits, 0.9 * y + 0.1 / 5)["loss_class"]
    assert smoothed.item() == pytest.approx(expected.item())
    with pytest.raises(ValueError, match=r"1\.5"):
        SoftTargetCrossEntropy(label_smoothing=1.5)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_sigmoid_cross_entropy(logits, targets, weights):
    p, y = probabilities(logits), targets.numpy()
    elements = -(y * np.log(p) + (1 - y) * np.log(1 - p)) * (weights or 1)
    loss = SigmoidCrossEntropy(weights)(logits, targets)["loss_action"]
    assert loss.item() == pytest.approx(elements.mean(), rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("alpha", "gamma"), [(3.0, 1.0), (1.0, 2.0)])
def test_focal_loss(logits, targets, alpha, gamma, weights):
    p, y = probabilities(logits), targets.numpy()
    true = np.where(y == 1, p, 1 - p)
    elements = alpha * (1 - true) ** gamma * -np.log(true) * (weights or 1)
    loss = FocalLoss(alpha, gamma, weights)(logits, targets)["loss_action"]
    assert loss.item() == pytest.approx(elements.mean(), rel=1e-5)


def test_focal_loss_without_focus_is_cross_entropy(logits, targets):
    focal = FocalLoss(alpha=1.0, gamma=0.0)(logits, targets)["loss_action"]
    assert focal == pytest.approx(SigmoidCrossEntropy()(logits, targets)["loss_action"].item())


def test_exclusive_classes_cost_the_cross_entropy_of_their_softmax(logits, targets):
    columns = [0, 1, 2]
    losses = ExclusiveCrossEntropy(columns, weight=0.7)(exclusive_logits(logits, columns), targets)
    posed = [0, 1, 3, 4, 5]
    truth = targets[posed][:, columns].argmax(1)
    expected = 0.7 * F.cross_entropy(logits[posed][:, columns], truth)
    assert losses["loss_exclusive"].item() == pytest.approx(expected.item(), rel=1e-5)
    rest = F.binary_cross_entropy_with_logits(logits[:, 3:], targets[:, 3:])
    assert losses["loss_action"].item() == pytest.approx(rest.item(), rel=1e-5)


def test_two_exclusive_classes_at_once_share_the_person(logits):
    columns = [0, 1, 2]
    losses = ExclusiveCrossEntropy(columns)(
        exclusive_logits(logits[:1], columns), torch.tensor([[1.0, 1, 0, 0, 0]])
    )
    expected = -logits[:1, columns].log_softmax(1)[0, :2].mean()
    assert losses["loss_exclusive"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_class_weights_of_exclusive_classes(logits, targets):
    columns = [0, 1, 2]
    losses = ExclusiveCrossEntropy(columns, class_weights=WEIGHTS)(
        exclusive_logits(logits, columns), targets
    )
    people = [-WEIGHTS[k] * logits[r, columns].log_softmax(0)[k] for r, k in
              [(0, 0), (1, 1), (3, 2), (4, 0), (5, 2)]]  # fmt: skip
    assert losses["loss_exclusive"].item() == pytest.approx(sum(people).item() / 5, rel=1e-5)


@pytest.mark.parametrize(
    "criterion", [SigmoidCrossEntropy(), FocalLoss(), ExclusiveCrossEntropy([0, 1])]
)
def test_a_batch_without_people_costs_nothing_and_trains(criterion):
    logits = torch.zeros(0, 5, requires_grad=True)
    losses = criterion(logits, torch.zeros(0, 5))
    total = sum(losses.values())
    total.backward()
    assert total.item() == 0


@pytest.mark.parametrize("criterion", [FocalLoss(), ExclusiveCrossEntropy([0, 1, 2])])
def test_gradients_are_finite_far_out(criterion, targets):
    logits = torch.full((6, 5), 60.0).mul(2 * targets - 1).neg().requires_grad_()
    sum(criterion(logits, targets).values()).backward()
    assert logits.grad.isfinite().all()


def test_effective_numbers():
    counts, beta = [10, 1000, 0], 0.99
    raw = [(1 - beta) / (1 - beta**n) for n in (10, 1000, 1)]
    expected = [w * 3 / sum(raw) for w in raw]
    assert effective_number_weights(counts, beta) == pytest.approx(expected)
    assert effective_number_weights(counts, 0.0) == pytest.approx([1, 1, 1])


def test_people_are_counted_by_action():
    def keyframe(*actions):
        n = len(actions)
        people = PersonBoxes(
            Keyframe("v", 1), np.zeros((n, 4)), actions, np.ones(n), np.full(n, -1)
        )
        return AnnotatedKeyframe("v.mp4", people)

    records = [keyframe((1, 5), (1, 1)), keyframe(), keyframe((9,), ())]
    assert label_counts(records, ClassMap({5: "run", 1: "sit", 7: "lie"})) == [1, 2, 0]
