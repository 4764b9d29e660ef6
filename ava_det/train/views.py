"""Make test views of a clip for a detector: without padding, at several sizes, mirrored."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor
from torchvision.transforms import v2

Part = tuple[Tensor, Sequence[Tensor]]  # clips of one size, and the boxes or tubes of each


def without_padding(
    clips: Tensor, boxes: Sequence[Tensor], sizes: Sequence[tuple[int, int]]
) -> Iterator[Part]:
    """Split a batch into runs of clips of one size, and remove the padding."""
    for (height, width), group in groupby(range(len(sizes)), key=lambda n: sizes[n]):
        numbers = list(group)
        part = slice(numbers[0], numbers[-1] + 1)
        yield clips[part, ..., :height, :width], boxes[part]


def scaled(clips: Tensor, boxes: Sequence[Tensor], scale: float) -> Part:
    """Resize clips and boxes by a factor."""
    clips, factors = resize(clips, scale)
    return clips, [b * factors.to(b) for b in boxes]


def mirrored(clips: Tensor, boxes: Sequence[Tensor]) -> Part:
    """Mirror clips and boxes from left to right."""
    return clips.flip(-1), [mirror(b, clips.shape[-1]) for b in boxes]


def resize(clips: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Resize uint8 clips (N, C, T, H, W) by a factor, to whole pixels.

    Returns:
        The clips, and the exact factors (4,) of xyxy boxes.
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
    """Mirror boxes (..., 4), xyxy in pixels, on a clip of a width.

    >>> mirror(torch.tensor([[1.0, 2.0, 4.0, 5.0]]), 10)
    tensor([[6., 2., 9., 5.]])
    """
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=-1)
