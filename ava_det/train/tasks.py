"""The two tasks: what a batch costs in training and what it predicts in testing.

A task joins a model, which knows tensors only, with the batches of a loader.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from detectron2.utils.comm import get_rank, get_world_size
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.batch import ClipBatch, PeopleBatch
from ava_det.structures import ActionDetections, InputError
from ava_det.train.processes import device_of, unwrap
from ava_det.train.views import Part, mirrored, scaled, without_padding

BatchOfTask = TypeVar("BatchOfTask", contravariant=True)
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


class Task(Protocol[BatchOfTask]):
    """What the training loop and the evaluation ask of a task."""

    def losses(
        self, model: nn.Module, batch: BatchOfTask, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Scalars to minimise, by name; `rng` is for what all processes draw alike: the mix."""
        ...

    def outputs(self, model: nn.Module, batch: BatchOfTask) -> Any:
        """What the model gives for a whole batch, unmixed: one run of it in every process."""
        ...

    def predict(self, model: nn.Module, batch: BatchOfTask) -> list[Any]:
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

    def losses(
        self, model: nn.Module, batch: ClipBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Losses of a batch."""
        batch = batch.to(device_of(model))
        clips = unwrap(model).normalize(batch.clips)
        targets = F.one_hot(batch.labels, self.num_classes).to(clips.dtype)
        if self.mix is not None:
            # Clips are dealt out to the processes in turns (`data.sampler.SeekableSampler`).
            rank, processes = get_rank(), get_world_size()
            numbers = range(rank, len(clips) * processes, processes)
            clips, targets = self.mix(clips, targets, rng, numbers=numbers, overwrite=True)
        return self.criterion(model(clips), targets)

    def outputs(self, model: nn.Module, batch: ClipBatch) -> Tensor:
        """Logits (N, K)."""
        return model(batch.to(device_of(model)).clips)

    def predict(self, model: nn.Module, batch: ClipBatch) -> list[Tensor]:
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

    def losses(
        self, model: nn.Module, batch: PeopleBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Losses of a batch."""
        batch = batch.to(device_of(model))
        return self.criterion(self.outputs(model, batch), torch.cat(list(batch.targets)))

    def outputs(self, model: nn.Module, batch: PeopleBatch) -> Tensor:
        """Logits (R, K)."""
        batch = batch.to(device_of(model))
        return model(batch.clips, batch.boxes, batch.sizes)

    def predict(self, model: nn.Module, batch: PeopleBatch) -> list[ActionDetections]:
        """The people of every keyframe, with their sigmoid scores.

        Clips of one size that follow each other are tested together, without padding, so that a
        score does not depend on what else is in the batch.
        """
        batch = batch.to(device_of(model))
        parts = list(without_padding(batch.clips, batch.boxes, batch.sizes))
        views = [
            torch.cat([model(*part).float().sigmoid() for part in view])
            for view in self._views(parts)
        ]
        scores = torch.stack(views).mean(0).cpu()
        counts = [len(people.boxes) for people in batch.people]
        return [
            ActionDetections(people.keyframe, people.boxes, part.numpy(), people.scores)
            for people, part in zip(batch.people, scores.split(counts), strict=True)
        ]

    def _views(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """What is tested of a batch: every scale, as it is and mirrored."""
        for scale in self.scales:
            view = [scaled(*part, scale) for part in parts]
            yield view
            if self.flip:
                yield [mirrored(*part) for part in view]
