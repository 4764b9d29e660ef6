"""Losses: from logits and targets to a dict of scalars, as detectron2's trainer logs them."""

from torch import Tensor, nn
from torch.nn import functional as F


class SoftTargetCrossEntropy(nn.Module):
    """Cross-entropy against a distribution over classes, for mixed labels.

    Mean over clips of -sum_k y_k log softmax(z)_k.
    """

    def forward(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Logits (N, K) and targets (N, K) to {"loss_class": scalar}."""
        return {"loss_class": F.cross_entropy(logits.float(), targets.float())}


class SigmoidCrossEntropy(nn.Module):
    """Binary cross-entropy of every person and class, for multi-label actions.

    Mean over people and classes (PySlowFast `bce_logit`); 0 where a batch has no person.
    """

    def forward(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Logits (R, K) and multi-hot targets (R, K) to {"loss_action": scalar}."""
        if not len(logits):
            return {"loss_action": logits.sum() * 0.0}
        loss = F.binary_cross_entropy_with_logits(logits.float(), targets.float())
        return {"loss_action": loss}
