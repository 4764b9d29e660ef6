"""Batches, which loaders pass to tasks: clips with labels, or clips with people.

Shapes: N clips, C channels (3, RGB), T frames, H W pixels, R people of a clip, K classes.

A single sample is a batch too: the views of one video, or one keyframe. If nothing of a batch could
be read, N is 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ava_det.structures import GREY, PersonBoxes, UnreadableVideo

NO_CLIPS = (0, 3, 0, 0, 0)


@dataclass(frozen=True, eq=False, slots=True)
class ClipBatch:
    """Clips with one label each.

    Attributes:
        clips: (N, C, T, H, W) uint8.
        labels: (N,) int64, 0-based indices of classes.
        videos: The names of the N videos; the views of one video are next to each other.
        unreadable: The videos that could not be read for this batch.
    """

    clips: Tensor
    labels: Tensor
    videos: Sequence[str]
    unreadable: Sequence[UnreadableVideo] = ()

    def __len__(self) -> int:
        """Return N."""
        return len(self.videos)

    def to(self, device: torch.device) -> "ClipBatch":
        """Copy the batch to a device; copies from pinned memory are asynchronous."""
        clips = self.clips.to(device, non_blocking=True)
        return replace(self, clips=clips, labels=self.labels.to(device, non_blocking=True))

    def pin_memory(self) -> "ClipBatch":
        """Copy the batch to pinned memory; `DataLoader` calls this."""
        return replace(self, clips=self.clips.pin_memory(), labels=self.labels.pin_memory())

    @classmethod
    def join(
        cls, batches: Sequence["ClipBatch"], unreadable: Sequence[UnreadableVideo] = ()
    ) -> "ClipBatch":
        """Concatenate batches; all clips must have the same size."""
        if not batches:
            clips, labels = torch.zeros(NO_CLIPS, dtype=torch.uint8), torch.zeros(0).long()
            return cls(clips, labels, [], unreadable)
        return cls(
            torch.cat([batch.clips for batch in batches]),
            torch.cat([batch.labels for batch in batches]),
            [video for batch in batches for video in batch.videos],
            unreadable,
        )


@dataclass(frozen=True, eq=False, slots=True)
class PeopleBatch:
    """Clips around keyframes, with the people on the keyframes.

    Attributes:
        clips: (N, C, T, H, W) uint8. Smaller clips are padded with grey on the right and at the
            bottom, so that boxes in pixels stay valid.
        sizes: N times (height, width) in pixels, without padding.
        boxes: N times (R, 4), or tubes (R, T, 4), float32, xyxy in pixels of the clip. A tube is
            the box of a person on every frame of the clip. The keyframe is frame T // 2.
        targets: N times (R, K) float32, 1 where a person does an action; K is 0 for person
            detectors.
        people: N times the people of the record. They include the people that a training crop
            removes from `boxes` and `targets`.
        unreadable: The videos that could not be read for this batch.
    """

    clips: Tensor
    sizes: Sequence[tuple[int, int]]
    boxes: Sequence[Tensor]
    targets: Sequence[Tensor]
    people: Sequence[PersonBoxes]
    unreadable: Sequence[UnreadableVideo] = ()

    def __len__(self) -> int:
        """Return N."""
        return len(self.sizes)

    def to(self, device: torch.device) -> "PeopleBatch":
        """Copy the batch to a device; copies from pinned memory are asynchronous."""
        return replace(
            self,
            clips=self.clips.to(device, non_blocking=True),
            boxes=[boxes.to(device, non_blocking=True) for boxes in self.boxes],
            targets=[targets.to(device, non_blocking=True) for targets in self.targets],
        )

    def pin_memory(self) -> "PeopleBatch":
        """Copy the batch to pinned memory; `DataLoader` calls this."""
        return replace(
            self,
            clips=self.clips.pin_memory(),
            boxes=[boxes.pin_memory() for boxes in self.boxes],
            targets=[targets.pin_memory() for targets in self.targets],
        )

    @classmethod
    def join(
        cls, batches: Sequence["PeopleBatch"], unreadable: Sequence[UnreadableVideo] = ()
    ) -> "PeopleBatch":
        """Concatenate batches; pad all clips to the largest height and width."""
        if not batches:
            return cls(torch.zeros(NO_CLIPS, dtype=torch.uint8), [], [], [], [], unreadable)
        height = max(batch.clips.shape[-2] for batch in batches)
        width = max(batch.clips.shape[-1] for batch in batches)
        return cls(
            torch.cat([_pad(batch.clips, height, width) for batch in batches]),
            [size for batch in batches for size in batch.sizes],
            [boxes for batch in batches for boxes in batch.boxes],
            [targets for batch in batches for targets in batch.targets],
            [people for batch in batches for people in batch.people],
            unreadable,
        )


@dataclass(frozen=True, eq=False, slots=True)
class PictureBatch:
    """Pictures of one size, with people and their keypoints (J of a person).

    Attributes:
        images: (N, C, H, W) uint8.
        boxes: N times (R, 4) float32, xyxy in pixels.
        keypoints: N times (R, J, 3) float32: x, y in pixels, and 1 if known, else 0.
        crowds: N times (M, 4) float32: people who may be found or not.
        unreadable: The videos that could not be read for this batch.
    """

    images: Tensor
    boxes: Sequence[Tensor]
    keypoints: Sequence[Tensor]
    crowds: Sequence[Tensor]
    unreadable: Sequence[UnreadableVideo] = ()

    def __len__(self) -> int:
        """Return N."""
        return len(self.images)

    def to(self, device: torch.device) -> "PictureBatch":
        """Copy the batch to a device; copies from pinned memory are asynchronous."""
        return self._each(lambda x: x.to(device, non_blocking=True))

    def pin_memory(self) -> "PictureBatch":
        """Copy the batch to pinned memory; `DataLoader` calls this."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "PictureBatch":
        return PictureBatch(
            change(self.images),
            [change(x) for x in self.boxes],
            [change(x) for x in self.keypoints],
            [change(x) for x in self.crowds],
            self.unreadable,
        )

    @classmethod
    def join(
        cls, batches: Sequence["PictureBatch"], unreadable: Sequence[UnreadableVideo] = ()
    ) -> "PictureBatch":
        """Concatenate batches; all pictures must have the same size."""
        if not batches:
            return cls(torch.zeros(0, 3, 0, 0, dtype=torch.uint8), [], [], [], unreadable)
        return cls(
            torch.cat([batch.images for batch in batches]),
            [x for batch in batches for x in batch.boxes],
            [x for batch in batches for x in batch.keypoints],
            [x for batch in batches for x in batch.crowds],
            unreadable,
        )


Batch = ClipBatch | PeopleBatch | PictureBatch


def keyframe_boxes(boxes: Tensor) -> Tensor:
    """Return the boxes (R, 4) on the keyframe, of boxes (R, 4) or tubes (R, T, 4).

    >>> keyframe_boxes(torch.arange(3.0).reshape(1, 3, 1).expand(1, 3, 4))
    tensor([[1., 1., 1., 1.]])
    """
    return boxes if boxes.dim() == 2 else boxes[:, boxes.shape[1] // 2]


def boxes_for(model: object, boxes: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the boxes that a model takes: tubes if its attribute `takes_tubes` is true.

    Args:
        model: A model without a wrapper. A model without the attribute takes plain boxes.
        boxes: N times (R, 4), or tubes (R, T, 4). Plain boxes are returned as they are.
    """
    if getattr(model, "takes_tubes", False):
        return boxes
    return [keyframe_boxes(those) for those in boxes]


def _pad(clips: Tensor, height: int, width: int) -> Tensor:
    missing = (0, width - clips.shape[-1], 0, height - clips.shape[-2])
    return F.pad(clips, missing, value=GREY) if any(missing) else clips
