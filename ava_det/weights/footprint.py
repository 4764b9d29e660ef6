"""Counts the memory of a model on torch's `meta` device, which allocates nothing.

A weight file gives an architecture, sizes and a clip. Each number is within bounds, but the product
may still need more memory than any machine has.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ava_det.model.classifier import Classifier
from ava_det.model.detector import ActionDetector

MOST_PARAMETERS = 1 << 29  # numbers of a model: 2 GiB as float32, five times the largest known
LARGEST = 1 << 32  # bytes of the largest tensor on the way through a model
USUAL = 32 * 256**2  # pixels of a clip on which every architecture of the zoo is far from `LARGEST`


def check_memory(model: nn.Module, frames: int, short_side: int) -> None:
    """Refuse a model that needs an unreasonable amount of memory, alone or for one clip.

    Args:
        model: A model on the `meta` device, in evaluation mode. A person detector is not run, since
            it can take frames of any allowed size.
        frames: The number of frames of a clip.
        short_side: The short side of the clip in pixels. The long side is computed for 16:9.

    Raises:
        ValueError: The model needs more memory.
        RuntimeError: The model cannot take such a clip.
    """
    count = sum(weight.numel() for weight in model.state_dict().values())
    if count > MOST_PARAMETERS:
        raise ValueError(f"a model of {count:,} numbers is too large: {MOST_PARAMETERS:,} may be")
    if frames * short_side**2 <= USUAL or not isinstance(model, (ActionDetector, Classifier)):
        return  # counting takes as long as building
    with torch.inference_mode(), _Largest() as largest:
        width = short_side * 16 // 9
        inputs: Any = (torch.zeros(1, 3, frames, short_side, width, device="meta"),)
        if isinstance(model, ActionDetector):
            inputs += ([torch.zeros(1, 4, device="meta")],)
        model(*inputs)
    if largest.size > LARGEST:
        raise ValueError(
            f"a clip of {frames} frames with a short side of {short_side} pixels makes tensors of "
            f"{largest.size / 2**30:.1f} GiB in this model; {LARGEST >> 30} may be"
        )


class _Largest(TorchDispatchMode):
    """Records the size in bytes of the largest tensor that an operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and measure the tensors that it returns."""
        outputs = func(*args, **(kwargs or {}))
        for value in outputs if isinstance(outputs, (tuple, list)) else (outputs,):
            if isinstance(value, Tensor):
                self.size = max(self.size, value.numel() * value.element_size())
        return outputs
