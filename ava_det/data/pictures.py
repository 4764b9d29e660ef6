"""Pictures of people with keypoints, to train a person detector.

Shapes: R people, M crowds, J keypoints, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, overload

import numpy as np
import torch
from torch import Tensor

from ava_det.batch import PictureBatch
from ava_det.data.mapper import as_video
from ava_det.data.sets.catalog import datasets_root
from ava_det.data.sets.records import Records
from ava_det.formats.coco_people import Picture, read_pictures
from ava_det.structures import KEYPOINTS_MIRRORED, InputError
from ava_det.video.video import FrameReader


@dataclass(frozen=True, eq=False)
class Pictures(Records[Picture]):
    """A sequence of pictures."""

    pictures: Sequence[Picture]

    @classmethod
    def read(cls, paths: str | Sequence[str]) -> "Pictures":
        """Read one or several files of `ava_det.formats.coco_people`.

        Raises:
            InputError: A file is malformed or has no picture.
        """
        root, pictures = datasets_root(), []
        for path in [paths] if isinstance(paths, str) else paths:
            found = read_pictures(path)
            if not found:
                raise InputError(f"{path}: has no images")
            pictures += [replace(picture, path=str(root / picture.path)) for picture in found]
        return cls(pictures)

    def __len__(self) -> int:
        return len(self.pictures)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> "Pictures": ...
    def __getitem__(self, index: int | slice) -> "Picture | Pictures":
        found = self.pictures[index]
        return found if isinstance(found, Picture) else Pictures(found)

    def files(self) -> set[str]:
        """Return the video files of the pictures."""
        return {picture.path for picture in self.pictures}

    def occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture (M,) and the class (M,) of each person; a person has class 1."""
        counts = [len(picture.boxes) for picture in self.pictures]
        owners = np.repeat(np.arange(len(counts)), counts)
        return owners, np.ones(len(owners), np.int64)


class PictureTransform(Protocol):
    """The interface that the mapper needs from a transform (`ava_det.augment.spatial.Joint`)."""

    def picture(
        self, picture: Tensor, boxes: Tensor, points: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, bool]:
        """Return the changed picture, boxes and points, and whether the picture is mirrored."""
        ...


@dataclass(eq=False)
class PictureMapper:
    """Load a picture and change it at random.

    Attributes:
        reader: Decodes frames.
        transform: Changes geometry and colour; all pictures get one size.
        least_seen: A person of whom less than this part of the box is left counts as a crowd.
        smallest_side: A person with a shorter side, in pixels, counts as a crowd.
    """

    reader: FrameReader
    transform: PictureTransform
    least_seen: float = 0.35
    smallest_side: float = 4.0

    collate = staticmethod(PictureBatch.join)
    repeats: ClassVar[int] = 1

    def __call__(self, record: Picture, rng: np.random.Generator) -> PictureBatch:
        """Return a batch of one picture; the transform draws from torch, `rng` is unused.

        Raises:
            InputError: The video cannot be read or lacks the frame.
        """
        times = self.reader.times(record.path)
        if record.frame >= len(times):
            raise InputError(f"{record.path}: has {len(times)} frames, no frame {record.frame}")
        frame = as_video(self.reader.frames(record.path, times[record.frame : record.frame + 1]))[0]
        scale = [frame.shape[k] / record.size[i] for k, i in ((2, 1), (1, 0))]
        everybody = np.concatenate([record.boxes, record.crowds]) * np.array(2 * scale, np.float32)
        points = record.keypoints[:, :, :2].reshape(-1, 2) * np.array(scale, np.float32)
        image, boxes, places, mirrored = self.transform.picture(
            frame, torch.from_numpy(everybody), torch.from_numpy(points)
        )
        size = torch.tensor([image.shape[2], image.shape[1]])
        people, crowds = boxes[: len(record.boxes)], boxes[len(record.boxes) :]
        known = torch.from_numpy(record.keypoints[:, :, 2])
        places = places.reshape(*known.shape, 2)
        inside = ((places >= 0) & (places < size)).all(2)
        keypoints = torch.cat([places, (known * inside)[..., None]], 2)
        if mirrored:
            keypoints = keypoints[:, list(KEYPOINTS_MIRRORED)]
        seen = _cut(people, size)
        part = _area(seen) / _area(people).clamp(min=1e-6)
        large = (seen[:, 2:] - seen[:, :2]).amin(1) >= self.smallest_side
        kept = (part >= self.least_seen) & large
        crowds = torch.cat([_cut(crowds, size), seen[~kept]])
        crowds = crowds[_area(crowds) > 0]
        return PictureBatch(image[None], [seen[kept]], [keypoints[kept]], [crowds])


def _cut(boxes: Tensor, size: Tensor) -> Tensor:
    """Cut boxes (R, 4) at the borders of a picture with a width and a height."""
    return boxes.clamp(min=0).minimum(size.repeat(2))


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
