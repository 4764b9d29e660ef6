"""The geometry of AVA clips in PySlowFast, which its published detectors were trained with.

It is that of PySlowFast's `cv2_transform.py`, the default of `AVA.IMG_PROC_BACKEND`, and differs
measurably from `spatial` (docs/decisions.md): frames shrink by OpenCV's bilinear interpolation
without smoothing; a box ends at the last pixel, W - 1, not at the border, W; both axes of a box are
scaled by the factor of the longer side, whose length is rounded down.

Shapes as in `spatial`: video (T, C, H, W) uint8, boxes (R, 4) or tubes (R, T, 4) xyxy in pixels.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor


def clip_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return the boxes cut at the centres of the outermost pixels."""
    most = boxes.new_tensor([width - 1, height - 1] * 2)
    return boxes.clamp(min=0).minimum(most)


def resize(video: Tensor, boxes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Resize to a short side of `size` pixels, after the boxes are cut at the borders."""
    height, width = video.shape[-2:]
    boxes = clip_boxes(boxes, height, width)
    if min(height, width) == size:
        return video, boxes
    # Divide first, as PySlowFast does: the order changes what is rounded down.
    if width < height:
        new_height, new_width = math.floor(height / width * size), size
        scale = new_height / height
    else:
        new_height, new_width = size, math.floor(width / height * size)
        scale = new_width / width
    # Resizing each channel gives the same in half the time, as channels are contiguous.
    planes = [cv2.resize(plane, (new_width, new_height)) for plane in video.flatten(0, 1).numpy()]
    resized = torch.from_numpy(np.stack(planes)).unflatten(0, video.shape[:2])
    return resized, boxes * scale


def flip(video: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror left and right; the first pixel is 0 and the last W - 1."""
    x1, y1, x2, y2 = boxes.unbind(-1)
    last = video.shape[-1] - 1
    return video.flip(-1), torch.stack([last - x2, y1, last - x1, y2], dim=-1)


@dataclass(frozen=True)
class ShortSide:
    """Test-time geometry: short side `size` pixels, no crop."""

    size: int

    def __call__(self, video: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Resize a video and its boxes."""
        video, boxes = resize(video, boxes, self.size)
        return video, clip_boxes(boxes, *video.shape[-2:])


@dataclass(frozen=True)
class JitterCrop:
    """Geometry of training: a short side whose inverse is uniform, a square crop, a flip.

    Attributes:
        lowest: Smallest short side in pixels, at least `size`.
        highest: Largest short side in pixels.
        size: Side of the crop in pixels.
    """

    lowest: int
    highest: int
    size: int

    def __call__(self, video: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Draw, by torch's global seed, and transform a video and its boxes."""
        inverse = torch.empty(()).uniform_(1 / self.highest, 1 / self.lowest)
        side = round(1 / float(inverse))
        video, boxes = resize(video, boxes, side)
        # As in PySlowFast, the last place that fits is never drawn.
        top, left = (
            int(torch.randint(spare, ())) if spare > 0 else 0
            for spare in (length - self.size for length in video.shape[-2:])
        )
        return self.crop(video, boxes, top, left, bool(torch.rand(()) < 0.5))

    def crop(
        self, video: Tensor, boxes: Tensor, top: int, left: int, mirrored: bool
    ) -> tuple[Tensor, Tensor]:
        """Crop a resized video and its boxes at a given place, and mirror them if asked to."""
        video = video[..., top : top + self.size, left : left + self.size]
        boxes = boxes - boxes.new_tensor([left, top, left, top])
        if mirrored:
            video, boxes = flip(video, boxes)
        return video, clip_boxes(boxes, *video.shape[-2:])
