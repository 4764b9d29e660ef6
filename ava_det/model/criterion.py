"""Losses: from logits and targets to a dict of scalars, as detectron2's trainer logs them.

Shapes: N clips, R people, K classes.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.formats.class_map import ClassMap
from ava_det.structures import AnnotatedKeyframe


class SoftTargetCrossEntropy(nn.Module):
    """Cross-entropy against a distribution over classes, for mixed labels.

    Mean over clips of -sum_k y_k log softmax(z)_k.

    Args:
        label_smoothing: e; the targets become (1 - e) y + e / K, mixed before or after alike.
    """

    def __init__(self, label_smoothing: float = 0.0):
        super().__init__()
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing {label_smoothing} is not in [0, 1]")
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Logits (N, K) and targets (N, K) to {"loss_class": scalar}."""
        loss = F.cross_entropy(
            logits.float(), targets.float(), label_smoothing=self.label_smoothing
        )
        return {"loss_class": loss}


class SigmoidCrossEntropy(nn.Module):
    """Binary cross-entropy of every person and class, for multi-label actions.

    Mean over people and classes (PySlowFast `bce_logit`); 0 where a batch has no person.

    Args:
        class_weights: K factors, such as `effective_number_weights`; None weighs all alike.
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: Sequence[float] | None = None):
        super().__init__()
        weights = None if class_weights is None else torch.tensor(list(class_weights))
        self.register_buffer("class_weights", weights)

    def forward(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Logits (R, K) and multi-hot targets (R, K) to {"loss_action": scalar}."""
        if not len(logits):
            return {"loss_action": logits.sum() * 0.0}
        return {"loss_action": self.weighted(self.elements(logits, targets)).mean()}

    def elements(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss (R, K) of every person and class."""
        return F.binary_cross_entropy_with_logits(logits.float(), targets.float(), reduction="none")

    def weighted(self, losses: Tensor) -> Tensor:
        """Losses (R, K), each times the factor of its class."""
        if self.class_weights is None:
            return losses
        return losses * self.class_weights.to(losses.device)


class FocalLoss(SigmoidCrossEntropy):
    """Binary cross-entropy that decided cases count less in: alpha (1 - p)^gamma (-log p).

    p is the probability that the model gives to what is true: Lin et al., arXiv 1708.02002, eq. 5,
    with one alpha for positives and negatives as MMAction2 has it (`BBoxHeadAVA`), whose settings
    for AVA are the defaults.

    Args:
        alpha: a factor of all.
        gamma: how fast decided cases lose weight.
        class_weights: as for `SigmoidCrossEntropy`.
    """

    def __init__(
        self,
        alpha: float = 3.0,
        gamma: float = 1.0,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(class_weights)
        self.alpha, self.gamma = alpha, gamma

    def elements(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss (R, K) of every person and class."""
        losses = super().elements(logits, targets)
        return self.alpha * (-torch.expm1(-losses)) ** self.gamma * losses


class ExclusiveCrossEntropy(SigmoidCrossEntropy):
    """Softmax over classes of which a person has one, such as AVA's poses, sigmoids over the rest.

    For a model whose head has the same `exclusive` columns: its logits are such that their sigmoid
    is the softmax. People without a class of the group, which are false proposals, say nothing of
    it.

    Args:
        columns: of the classes that exclude each other.
        weight: factor of the group's loss, which is a mean over people, beside that of the rest,
            which is a mean over people and classes.
        class_weights: as for `SigmoidCrossEntropy`.
    """

    def __init__(
        self,
        columns: Sequence[int],
        weight: float = 1.0,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(class_weights)
        self.columns, self.weight = list(columns), weight

    def forward(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Logits (R, K), multi-hot (R, K) to {"loss_exclusive": scalar, "loss_action": scalar}."""
        inside = torch.zeros(targets.shape[1], dtype=torch.bool, device=logits.device)
        inside[self.columns] = True
        told = (targets * inside).sum(1)  # classes of the group that a person has: one, as a rule
        shares = targets / told.clamp(min=1)[:, None]
        softmax = self.weighted(-shares * F.logsigmoid(logits.float()))[:, inside].sum()
        rest = self.weighted(self.elements(logits, targets))[:, ~inside]
        return {
            "loss_exclusive": self.weight * softmax / (told > 0).sum().clamp(min=1),
            "loss_action": rest.sum() / max(rest.numel(), 1),
        }


def effective_number_weights(counts: Sequence[int], beta: float = 0.999) -> list[float]:
    """Class weights (1 - beta) / (1 - beta^n), scaled to a mean of 1.

    Cui et al., arXiv 1901.05555, eq. 2: the more examples a class has, the less each new one adds.

    Args:
        counts: n examples of each class; one without any counts as having one.
        beta: 0 weighs all alike; towards 1 the weights become inverse frequencies.

    >>> [round(w, 3) for w in effective_number_weights([1, 2], beta=0.5)]
    [1.2, 0.8]
    """
    weights = (1 - beta) / (1 - np.power(beta, np.maximum(counts, 1)))
    return (weights / weights.mean()).tolist()


def label_counts(records: Iterable[AnnotatedKeyframe], class_map: ClassMap) -> list[int]:
    """How many people do each action of `class_map`, in its order."""
    counts = dict.fromkeys(class_map.ids, 0)
    for record in records:
        for actions in record.people.actions:
            for action in set(actions) & counts.keys():
                counts[action] += 1
    return list(counts.values())
