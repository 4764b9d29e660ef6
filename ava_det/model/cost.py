"""The cost of a model: parameters, and multiply-adds of one clip as fvcore counts them."""

from dataclasses import dataclass
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis, parameter_count
from torch import nn

from ava_det.model.detector import ActionDetector


@dataclass(frozen=True)
class Cost:
    """The cost of a model.

    Attributes:
        parameters: Number of parameters.
        macs: Multiply-adds of one clip in convolutions, matrix products and norms. fvcore and
            papers call them FLOPs. Activations, max pooling and ROIAlign are not counted.
    """

    parameters: int
    macs: int


def cost_of(model: nn.Module, frames: int, height: int, width: int) -> Cost:
    """Count a classifier on one clip, or a detector on one clip with one person.

    Args:
        model: A model of the zoo. It is run once, on the CPU.
        frames: Frames of the clip.
        height: Height of the clip in pixels.
        width: Width of the clip in pixels.
    """
    inputs: Any = (torch.zeros(1, 3, frames, height, width),)
    if isinstance(model, ActionDetector):
        inputs += ([torch.tensor([[0.0, 0.0, width, height]])],)
    analysis = FlopCountAnalysis(model.eval(), inputs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    with torch.no_grad():
        return Cost(parameter_count(model)[""], int(analysis.total()))
