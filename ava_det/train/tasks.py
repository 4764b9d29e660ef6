"""The two tasks: what a batch costs in training and what it predicts in testing.

A task joins a model, which knows tensors only, with the samples of `ava_det.data.mapper`.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from detectron2.utils.comm import get_world_size
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from ava_det.structures import ActionDetections

Batch = dict[str, Any]
Mix = Callable[[Tensor, Tensor, np.random.Generator], tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], dict[str, Tensor]]


class Task(Protocol):
    """What the training loop and the evaluation ask of a task."""

    def losses(self, model: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
        """Scalars to minimise, by name; `rng` is for what all processes draw alike: the mix."""
        ...

    def predict(self, model: nn.Module, batch: Batch) -> list[Any]:
        """One prediction a sample of the batch."""
        ...


class Recognition:
    """One label a clip: pretraining.

    Args:
        num_classes: K.
        criterion: logits (N, K) and targets (N, K) to losses.
        mix: VideoMix or another mix on normalised clips and targets; None trains on plain clips.
    """

    def __init__(self, num_classes: int, criterion: Criterion, mix: Mix | None = None):
        self.num_classes, self.criterion, self.mix = num_classes, criterion, mix

    def losses(self, model: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
        """Losses of a batch of clips (N, 3, T, H, W) and labels (N,)."""
        device = device_of(model)
        clips = unwrap(model).normalize(batch["clips"].to(device, non_blocking=True))
        labels = batch["labels"].to(device, non_blocking=True)
        targets = F.one_hot(labels, self.num_classes).to(clips.dtype)
        if self.mix is not None:
            clips, targets = self.mix(clips, targets, rng)
        return self.criterion(model(clips), targets)

    def predict(self, model: nn.Module, batch: Batch) -> list[Tensor]:
        """Class probabilities (K,) of every clip, on the CPU."""
        clips = batch["clips"].to(device_of(model), non_blocking=True)
        return list(model(clips).float().softmax(dim=1).cpu())


class Detection:
    """Labels for every person box of a keyframe: fine-tuning.

    Args:
        criterion: logits (R, K) and targets (R, K) to losses.
    """

    def __init__(self, criterion: Criterion):
        self.criterion = criterion

    def losses(self, model: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
        """Losses of a batch of clips (N, 3, T, H, W), N box tensors and N target tensors."""
        logits = self._logits(model, batch)
        targets = torch.cat(batch["targets"]).to(logits.device, non_blocking=True)
        return self.criterion(logits, targets)

    def predict(self, model: nn.Module, batch: Batch) -> list[ActionDetections]:
        """The people of every keyframe, with their sigmoid scores."""
        scores = self._logits(model, batch).float().sigmoid().cpu()
        counts = [len(people.boxes) for people in batch["people"]]
        return [
            ActionDetections(people.keyframe, people.boxes, part.numpy(), people.scores)
            for people, part in zip(batch["people"], scores.split(counts), strict=True)
        ]

    def _logits(self, model: nn.Module, batch: Batch) -> Tensor:
        device = device_of(model)
        boxes = [b.to(device, non_blocking=True) for b in batch["boxes"]]
        return model(batch["clips"].to(device, non_blocking=True), boxes)


def unwrap(model: nn.Module) -> Any:
    """The model itself, without DistributedDataParallel around it."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are."""
    return next(model.parameters()).device


def distribute(model: nn.Module) -> nn.Module:
    """Wrap the model for gradient averaging where there are several processes.

    detectron2's `create_ddp_model` names a CUDA device, which a CPU process has none of.
    """
    if get_world_size() == 1:
        return model
    device = device_of(model)
    return DistributedDataParallel(model, [device.index] if device.type == "cuda" else None)
