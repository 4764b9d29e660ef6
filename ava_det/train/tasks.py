"""The two tasks: what a batch costs in training and what it predicts in testing.

A task joins a model, which knows tensors only, with the samples of `ava_det.data.mapper`.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import torch
from detectron2.utils.comm import get_rank, get_world_size
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torchvision.transforms import v2

from ava_det.structures import ActionDetections, InputError

Batch = dict[str, Any]
Part = tuple[Tensor, Sequence[Tensor]]  # clips of one size, and the boxes of each
Criterion = Callable[[Tensor, Tensor], dict[str, Tensor]]


class Mix(Protocol):
    """What the tasks ask of a mix of `ava_det.augment`."""

    def __call__(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        *,
        numbers: Sequence[int],
        overwrite: bool,
    ) -> tuple[Tensor, Tensor]:
        """Mix clips (N, ...) whose numbers among the clips of all processes are `numbers`;
        `overwrite` allows to write into the clips.
        """
        ...


class Task(Protocol):
    """What the training loop and the evaluation ask of a task."""

    def losses(self, model: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
        """Scalars to minimise, by name; `rng` is for what all processes draw alike: the mix."""
        ...

    def outputs(self, model: nn.Module, batch: Batch) -> Any:
        """What the model gives for a whole batch, unmixed: one run of it in every process."""
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
        if mix is not None and not callable(mix):
            raise InputError(f"task.mix={mix}: is no mix, for it has no _target_")
        self.num_classes, self.criterion, self.mix = num_classes, criterion, mix

    def losses(self, model: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
        """Losses of a batch of clips (N, 3, T, H, W) and labels (N,)."""
        device = device_of(model)
        clips = unwrap(model).normalize(batch["clips"].to(device, non_blocking=True))
        labels = batch["labels"].to(device, non_blocking=True)
        targets = F.one_hot(labels, self.num_classes).to(clips.dtype)
        if self.mix is not None:
            # Clips are dealt out to the processes in turns (`data.sampler.SeekableSampler`).
            rank, processes = get_rank(), get_world_size()
            numbers = range(rank, len(clips) * processes, processes)
            clips, targets = self.mix(clips, targets, rng, numbers=numbers, overwrite=True)
        return self.criterion(model(clips), targets)

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """Logits (N, K)."""
        return model(batch["clips"].to(device_of(model), non_blocking=True))

    def predict(self, model: nn.Module, batch: Batch) -> list[Tensor]:
        """Class probabilities (K,) of every clip, on the CPU."""
        return list(self.outputs(model, batch).float().softmax(dim=1).cpu())


class Detection:
    """Labels for every person box of a keyframe: fine-tuning.

    Args:
        criterion: logits (R, K) and targets (R, K) to losses.
        flip: test every clip mirrored as well; the scores of all views are averaged.
        scales: test every clip at so many times its size, each a view.
    """

    def __init__(self, criterion: Criterion, flip: bool = False, scales: Sequence[float] = (1.0,)):
        self.criterion, self.flip, self.scales = criterion, flip, tuple(scales)

    def losses(self, model: nn.Module, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
        """Losses of a batch of clips (N, 3, T, H, W), their N sizes without padding, N box tensors
        and N target tensors.
        """
        logits = self.outputs(model, batch)
        targets = torch.cat(batch["targets"]).to(logits.device, non_blocking=True)
        return self.criterion(logits, targets)

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """Logits (R, K)."""
        return model(*_inputs(model, batch), batch["sizes"])

    def predict(self, model: nn.Module, batch: Batch) -> list[ActionDetections]:
        """The people of every keyframe, with their sigmoid scores.

        Clips of one size that follow each other are tested together, without padding, so that a
        score does not depend on what else is in the batch.
        """
        parts = list(_without_padding(*_inputs(model, batch), batch["sizes"]))
        views = [
            torch.cat([model(*part).float().sigmoid() for part in view])
            for view in self._views(parts)
        ]
        scores = torch.stack(views).mean(0).cpu()
        counts = [len(people.boxes) for people in batch["people"]]
        return [
            ActionDetections(people.keyframe, people.boxes, part.numpy(), people.scores)
            for people, part in zip(batch["people"], scores.split(counts), strict=True)
        ]

    def _views(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """What is tested of a batch: every scale, as it is and mirrored."""
        for scale in self.scales:
            scaled = [_scaled(*part, scale) for part in parts]
            yield scaled
            if self.flip:
                yield [_mirrored(*part) for part in scaled]


def _inputs(model: nn.Module, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    """Clips and boxes, where the model is."""
    device = device_of(model)
    boxes = [b.to(device, non_blocking=True) for b in batch["boxes"]]
    return batch["clips"].to(device, non_blocking=True), boxes


def _without_padding(
    clips: Tensor, boxes: Sequence[Tensor], sizes: Sequence[tuple[int, int]]
) -> Iterator[Part]:
    """Clips and boxes of one size at a time, in their order."""
    for (height, width), group in groupby(range(len(sizes)), key=lambda n: sizes[n]):
        numbers = list(group)
        part = slice(numbers[0], numbers[-1] + 1)
        yield clips[part, ..., :height, :width], boxes[part]


def _scaled(clips: Tensor, boxes: Sequence[Tensor], scale: float) -> Part:
    """Clips and boxes at so many times their size."""
    clips, factors = resize(clips, scale)
    return clips, [b * factors.to(b) for b in boxes]


def _mirrored(clips: Tensor, boxes: Sequence[Tensor]) -> Part:
    """Clips and boxes, left and right exchanged."""
    return clips.flip(-1), [mirror(b, clips.shape[-1]) for b in boxes]


def resize(clips: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """uint8 clips (N, C, T, H, W) at another size.

    Returns:
        The clips, and the (4,) factors of xyxy boxes on them: sides are whole pixels.
    """
    height, width = clips.shape[-2:]
    new = round(height * scale), round(width * scale)
    if new == (height, width):
        return clips, torch.ones(4)
    frames = clips.transpose(1, 2).flatten(0, 1)
    resized = v2.functional.resize(frames, list(new), antialias=True)
    factors = torch.tensor([new[1] / width, new[0] / height]).repeat(2)
    return resized.unflatten(0, (clips.shape[0], clips.shape[2])).transpose(1, 2), factors


def mirror(boxes: Tensor, width: int) -> Tensor:
    """Boxes (R, 4), xyxy in pixels, on a mirrored clip.

    >>> mirror(torch.tensor([[1.0, 2.0, 4.0, 5.0]]), 10)
    tensor([[6., 2., 9., 5.]])
    """
    x1, y1, x2, y2 = boxes.unbind(1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=1)


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
