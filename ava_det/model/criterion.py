"""Losses: make a dict of scalars, as detectron2's trainer logs them, of logits and targets.

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
        label_smoothing: The e in targets of (1 - e) y + e / K. Smoothing commutes with mixing.
    """

    def __init__(self, label_smoothing: float = 0.0):
        super().__init__()
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing {label_smoothing} is not in [0, 1]")
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Compute {"loss_class": scalar} of logits (N, K) and targets (N, K)."""
        loss = F.cross_entropy(
            logits.float(), targets.float(), label_smoothing=self.label_smoothing
        )
        return {"loss_class": loss}


class SigmoidCrossEntropy(nn.Module):
    """Binary cross-entropy of every person and class, for multi-label actions.

    The loss is the mean over people and classes (PySlowFast `bce_logit`), and 0 for a batch without
    people.

    Args:
        class_weights: K factors of the classes, such as `effective_number_weights` gives. None
            weighs all classes alike.
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: Sequence[float] | None = None):
        super().__init__()
        weights = None if class_weights is None else torch.tensor(list(class_weights))
        self.register_buffer("class_weights", weights)

    def forward(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Compute {"loss_action": scalar} of logits (R, K) and multi-hot targets (R, K)."""
        if not len(logits):
            return {"loss_action": logits.sum() * 0.0}
        return {"loss_action": self.weighted(self.elements(logits, targets)).mean()}

    def elements(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss (R, K) of every person and class."""
        return F.binary_cross_entropy_with_logits(logits.float(), targets.float(), reduction="none")

    def weighted(self, losses: Tensor) -> Tensor:
        """Multiply losses (R, K) by the factors of the classes."""
        if self.class_weights is None:
            return losses
        return losses * self.class_weights.to(losses.device)


class FocalLoss(SigmoidCrossEntropy):
    """Binary cross-entropy with less weight on easy cases: alpha (1 - p)^gamma (-log p).

    p is the probability that the model gives to the true answer (Lin et al., arXiv 1708.02002, eq.
    5). One alpha serves positives and negatives, as in MMAction2's `BBoxHeadAVA`. The defaults are
    MMAction2's settings for AVA.

    Args:
        alpha: Factor of the whole loss.
        gamma: Exponent. The larger it is, the less easy cases count.
        class_weights: As for `SigmoidCrossEntropy`.
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
        """Compute the loss (R, K) of every person and class."""
        losses = super().elements(logits, targets)
        return self.alpha * (-torch.expm1(-losses)) ** self.gamma * losses


class ExclusiveCrossEntropy(SigmoidCrossEntropy):
    """Softmax over a group of classes that exclude each other, sigmoids over the other classes.

    The poses of AVA are such a group: a person has one pose. The head of the model must have the
    same `exclusive` columns, so that the sigmoid of its logits is the softmax. People without a
    class of the group, which are false proposals, do not count in the loss of the group.

    Args:
        columns: Columns of the classes that exclude each other.
        weight: Factor of the loss of the group, which is a mean over people. The loss of the other
            classes, a mean over people and classes, has the factor 1.
        class_weights: As for `SigmoidCrossEntropy`.
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
        """Compute {"loss_exclusive": scalar, "loss_action": scalar}.

        Args:
            logits: Tensor (R, K).
            targets: Multi-hot tensor (R, K).
        """
        inside = torch.zeros(targets.shape[1], dtype=torch.bool, device=logits.device)
        inside[self.columns] = True
        count = (targets * inside).sum(1)  # classes of the group that a person has; one, as a rule
        shares = targets / count.clamp(min=1)[:, None]
        softmax = self.weighted(-shares * F.logsigmoid(logits.float()))[:, inside].sum()
        rest = self.weighted(self.elements(logits, targets))[:, ~inside]
        return {
            "loss_exclusive": self.weight * softmax / (count > 0).sum().clamp(min=1),
            "loss_action": rest.sum() / max(rest.numel(), 1),
        }


def effective_number_weights(counts: Sequence[int], beta: float = 0.999) -> list[float]:
    """Compute class weights (1 - beta) / (1 - beta^n), scaled to a mean of 1.

    The more examples a class has, the less each new one adds (Cui et al., arXiv 1901.05555, eq. 2).

    Args:
        counts: Number n of examples of each class. A class without examples counts as one with one.
        beta: Strength, in [0, 1). 0 weighs all classes alike; towards 1 the weights become inverse
            frequencies.

    >>> [round(w, 3) for w in effective_number_weights([1, 2], beta=0.5)]
    [1.2, 0.8]
    """
    weights = (1 - beta) / (1 - np.power(beta, np.maximum(counts, 1)))
    return (weights / weights.mean()).tolist()


def label_counts(records: Iterable[AnnotatedKeyframe], class_map: ClassMap) -> list[int]:
    """Count the people who do each action of `class_map`, in the order of the map."""
    counts = dict.fromkeys(class_map.ids, 0)
    for record in records:
        for actions in record.people.actions:
            for action in set(actions) & counts.keys():
                counts[action] += 1
    return list(counts.values())
