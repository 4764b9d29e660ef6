"""Change the geometry and colour of a clip and its boxes, by one draw for all frames.

A transform takes (video, boxes) and returns the same: a uint8 tensor (T, C, H, W) and boxes (R, 4),
or tubes (R, T, 4), xyxy in pixels of the video. Boxes are cut at the borders. A box outside the
picture becomes degenerate (it has an empty side); the caller drops it. Draws follow torch's global
seed. They are the same for tubes as for the boxes on the keyframe.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from ava_det.batch import keyframe_boxes
from ava_det.resize import resize_short_side
from ava_det.structures import GREY

Transform = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
_BOXES: Callable[..., Tensor] = tv_tensors.BoundingBoxes  # its constructor is not typed
_POINTS: Callable[..., Tensor] = tv_tensors.KeyPoints


class Joint:
    """A chain of torchvision v2 transforms as a callable on (video, boxes)."""

    def __init__(self, *transforms: v2.Transform):
        # Resizing alone does not cut boxes at the borders.
        self.transforms = v2.Compose([v2.ClampBoundingBoxes(), *transforms])

    def __call__(self, video: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Transform a video (T, C, H, W) and boxes (R, 4) or tubes (R, T, 4) by the same draw."""
        canvas = (int(video.shape[-2]), int(video.shape[-1]))
        # `PersonCrop` looks at the first boxes, which are those on the keyframe.
        parts = [keyframe_boxes(boxes), boxes.reshape(-1, 4)]
        wrapped = [_BOXES(part, format="XYXY", canvas_size=canvas) for part in parts]
        out_video, _, out_boxes = self.transforms(tv_tensors.Video(video), *wrapped)
        return out_video.as_subclass(Tensor), out_boxes.as_subclass(Tensor).reshape(boxes.shape)

    def picture(
        self, picture: Tensor, boxes: Tensor, points: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, bool]:
        """Transform a picture with boxes and points; neither are cut at the borders.

        Args:
            picture: (C, H, W) uint8.
            boxes: (R, 4) float32, xyxy in pixels.
            points: (M, 2) float32, x y in pixels.

        Returns:
            The same three, and whether the picture is mirrored: then left and right points have to
            be exchanged.
        """
        canvas = (int(picture.shape[-2]), int(picture.shape[-1]))
        along = torch.tensor([[0.0, 0.0], [1.0, 0.0]])  # shows whether the picture is mirrored
        wrapped = [
            tv_tensors.Image(picture),
            _BOXES(boxes, format="XYXY", canvas_size=canvas, clamping_mode=None),
            _POINTS(torch.cat([along, points]), canvas_size=canvas),
        ]
        image, moved, places = (x.as_subclass(Tensor) for x in self.transforms(*wrapped))
        return image, moved, places[2:], bool(places[1, 0] < places[0, 0])


class ShortSide(v2.Transform):
    """Resize to a short side exactly as detection on new videos does (`ava_det.resize`).

    Args:
        size: The short side in pixels.
    """

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def transform(self, inpt: object, params: dict[str, Any]) -> object:
        """Resize a video of uint8, or move the boxes alike."""
        if not isinstance(inpt, tv_tensors.Video):
            return self._call_kernel(v2.functional.resize, inpt, [self.size])
        frames = inpt.as_subclass(Tensor).permute(0, 2, 3, 1).numpy()
        small = np.stack([resize_short_side(frame, self.size) for frame in frames])
        return tv_tensors.Video(torch.from_numpy(small).permute(0, 3, 1, 2).contiguous())


class ShortSideJitter(v2.Transform):
    """Resize to a short side drawn from a range (PySlowFast `random_short_side_scale_jitter`).

    Args:
        lowest: Smallest short side in pixels.
        highest: Largest short side in pixels.
    """

    def __init__(self, lowest: int, highest: int):
        super().__init__()
        self.lowest, self.highest = lowest, highest

    def make_params(self, flat_inputs: list[object]) -> dict[str, int]:
        """Draw the size that all inputs of one call share."""
        return {"size": int(torch.randint(self.lowest, self.highest + 1, ()))}

    def transform(self, inpt: object, params: dict[str, int]) -> object:
        """Resize one input."""
        return self._call_kernel(v2.functional.resize, inpt, [params["size"]], antialias=True)


class PersonCrop(v2.RandomCrop):
    """A random crop that holds the centre of at least one person.

    A crop without such a centre is moved towards a person, drawn at random, until the centre of
    that person lies on the border of the crop.
    """

    def make_params(self, flat_inputs: list[object]) -> dict[str, Any]:
        """Draw the place that all inputs of one call share."""
        params = super().make_params(flat_inputs)
        boxes = next(x for x in flat_inputs if isinstance(x, tv_tensors.BoundingBoxes))
        centres = (boxes[:, :2] + boxes[:, 2:]).as_subclass(Tensor) / 2
        place = torch.tensor([params["left"], params["top"]])
        size = torch.tensor([params["width"], params["height"]])
        inside = (centres >= place) & (centres < place + size)
        if len(centres) and not inside.all(1).any():
            centre = centres[int(torch.randint(len(centres), ()))]
            height, width = boxes.canvas_size
            lowest = (centre.floor().long() + 1 - size).clamp(min=0)
            highest = torch.minimum(centre.floor().long(), torch.tensor([width, height]) - size)
            params["left"], params["top"] = place.clamp(lowest, highest).tolist()
        return params


def random_resized_crop(
    size: int,
    smallest_area: float = 0.35,
    flip: bool = True,
    color: float = 0.0,
) -> Joint:
    """Augmentation of recognition: a crop of random area and aspect, resized; flip; colour.

    Args:
        size: Side of the square clip in pixels.
        smallest_area: Least share of the frame that a crop covers.
        flip: Mirror half of the clips.
        color: Strength of brightness, contrast and saturation jitter.
    """
    crop = v2.RandomResizedCrop(size, scale=(smallest_area, 1.0), antialias=True)
    return Joint(crop, *_flip_and_color(flip, color))


def jitter_crop(
    lowest: int,
    highest: int,
    size: int,
    flip: bool = True,
    color: float = 0.0,
    keep_person: bool = False,
) -> Joint:
    """Augmentation of detection: short side from a range, a square crop, flip, colour.

    Args:
        lowest: Smallest short side in pixels, at least `size`.
        highest: Largest short side in pixels.
        size: Side of the crop in pixels.
        flip: Mirror half of the clips.
        color: Strength of brightness, contrast and saturation jitter.
        keep_person: Move a crop without people to a person (`PersonCrop`).
    """
    crop = PersonCrop(size) if keep_person else v2.RandomCrop(size)
    return Joint(ShortSideJitter(lowest, highest), crop, *_flip_and_color(flip, color))


def jitter(lowest: int, highest: int, flip: bool = True, color: float = 0.0) -> Joint:
    """Augmentation of person detection: short side from a range, flip, colour; nothing is cut off.

    Args:
        lowest: Smallest short side in pixels.
        highest: Largest short side in pixels.
        flip: Mirror half of the clips.
        color: Strength of brightness, contrast and saturation jitter.
    """
    return Joint(ShortSideJitter(lowest, highest), *_flip_and_color(flip, color))


def scale_jitter(
    height: int,
    width: int,
    smallest: float = 0.5,
    largest: float = 1.6,
    flip: bool = True,
    color: float = 0.0,
) -> Joint:
    """Large-scale jitter of person detection (Ghiasi et al., arXiv 2012.07177), flip, colour.

    A frame is resized to `smallest` to `largest` times the size that fits into `height` x `width`.
    Then it is cut, or padded with grey, to `height` x `width` at a random place, so that all frames
    of a batch have one size.
    """
    # torchvision compares the first side with the width of a frame, the second with the height.
    resize = v2.ScaleJitter((width, height), scale_range=(smallest, largest), antialias=True)
    crop = v2.RandomCrop((height, width), pad_if_needed=True, fill=GREY)
    return Joint(resize, crop, *_flip_and_color(flip, color))


def short_side(size: int) -> Joint:
    """Test-time geometry: short side `size` pixels, no crop."""
    return Joint(ShortSide(size))


def center_crop(size: int) -> Joint:
    """Test-time geometry of recognition: short side `size` pixels, then the centre square."""
    return Joint(ShortSide(size), v2.CenterCrop(size))


def _flip_and_color(flip: bool, color: float) -> list[v2.Transform]:
    chain: list[v2.Transform] = [v2.RandomHorizontalFlip()] if flip else []
    if color:
        chain.append(v2.ColorJitter(brightness=color, contrast=color, saturation=color))
    return chain
