"""From a pretrained model to a fine-tuned one; the transfer itself is the weights' own affair."""

from ava_det.weights.transfer import TransferReport, transfer

__all__ = ["TransferReport", "transfer"]
