"""The two tasks, recognition and detection: losses in training, predictions in testing.

A task connects a model, which takes plain tensors, to the batches of a loader.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from detectron2.utils.comm import get_rank, get_world_size
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.batch import ClipBatch, PeopleBatch, boxes_for
from ava_det.structures import ActionDetections, InputError
from ava_det.train.processes import device_of, unwrap
from ava_det.train.views import Part, mirrored, scaled, without_padding

BatchOfTask = TypeVar("BatchOfTask", contravariant=True)
Criterion = Callable[[Tensor, Tensor], dict[str, Tensor]]


class Mix(Protocol):
    """The interface that tasks need from a mix of `ava_det.augment`."""

    def __call__(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        *,
        numbers: Sequence[int],
        overwrite: bool,
    ) -> tuple[Tensor, Tensor]:
        """Mix clips (N, ...) and targets.

        `numbers` are the indices of the clips among those of all processes. `overwrite` allows
        changes in place.
        """
        ...


class Task(Protocol[BatchOfTask]):
    """The interface that the training loop and the evaluation need from a task."""

    def losses(
        self, model: nn.Module, batch: BatchOfTask, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return scalar losses by name; `rng` is for the mix and the same in all processes."""
        ...

    def outputs(self, model: nn.Module, batch: BatchOfTask) -> Any:
        """Run the model once on a whole batch, without a mix; return the outputs."""
        ...

    def predict(self, model: nn.Module, batch: BatchOfTask) -> list[Any]:
        """Return one prediction per sample of the batch."""
        ...


class Recognition:
    """Recognition, with one label per clip: the task of pretraining.

    Args:
        num_classes: K.
        criterion: Computes losses of logits (N, K) and targets (N, K).
        mix: VideoMix or another mix of normalised clips and targets; None uses no mix.
    """

    def __init__(self, num_classes: int, criterion: Criterion, mix: Mix | None = None):
        if mix is not None and not callable(mix):
            raise InputError(f"task.mix={mix}: is not a mix, because it has no _target_")
        self.num_classes, self.criterion, self.mix = num_classes, criterion, mix

    def losses(
        self, model: nn.Module, batch: ClipBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return the losses of a batch."""
        batch = batch.to(device_of(model))
        clips = unwrap(model).normalize(batch.clips)
        targets = F.one_hot(batch.labels, self.num_classes).to(clips.dtype)
        if self.mix is not None:
            # The processes get clips in turn (`data.sampler.SeekableSampler`).
            rank, processes = get_rank(), get_world_size()
            numbers = range(rank, len(clips) * processes, processes)
            clips, targets = self.mix(clips, targets, rng, numbers=numbers, overwrite=True)
        return self.criterion(model(clips), targets)

    def outputs(self, model: nn.Module, batch: ClipBatch) -> Tensor:
        """Return logits (N, K)."""
        return model(batch.to(device_of(model)).clips)

    def predict(self, model: nn.Module, batch: ClipBatch) -> list[Tensor]:
        """Return class probabilities (K,) of every clip, on the CPU."""
        return list(self.outputs(model, batch).float().softmax(dim=1).cpu())


class Detection:
    """Detection, with labels for every person box of a keyframe: the task of fine-tuning.

    The scores of a box are the mean over all test views.

    Args:
        criterion: Computes losses of logits (R, K) and targets (R, K).
        flip: Add a mirrored view of every test clip.
        scales: Resize every test clip by each of these factors, for one view each.
    """

    def __init__(self, criterion: Criterion, flip: bool = False, scales: Sequence[float] = (1.0,)):
        self.criterion, self.flip, self.scales = criterion, flip, tuple(scales)

    def losses(
        self, model: nn.Module, batch: PeopleBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return the losses of a batch."""
        batch = batch.to(device_of(model))
        return self.criterion(self.outputs(model, batch), torch.cat(list(batch.targets)))

    def outputs(self, model: nn.Module, batch: PeopleBatch) -> Tensor:
        """Return logits (R, K)."""
        batch = batch.to(device_of(model))
        return model(batch.clips, boxes_for(unwrap(model), batch.boxes), batch.sizes)

    def predict(self, model: nn.Module, batch: PeopleBatch) -> list[ActionDetections]:
        """Return the people of every keyframe, with sigmoid scores.

        Consecutive clips of the same size run together, without padding. So a score does not depend
        on the other clips in the batch.
        """
        batch = batch.to(device_of(model))
        boxes = boxes_for(unwrap(model), batch.boxes)
        parts = list(without_padding(batch.clips, boxes, batch.sizes))
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
        """Yield the test views of a batch: every scale, plain and mirrored."""
        for scale in self.scales:
            view = [scaled(*part, scale) for part in parts]
            yield view
            if self.flip:
                yield [mirrored(*part) for part in view]
