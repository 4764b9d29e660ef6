"""Resizing pictures, without torch: the one way of testing and of detection, for every backend.

Pillow's antialiased bilinear filter gives what torchvision's `Resize(size, antialias=True)` gives,
but for a grey level here and there.
"""

import numpy as np
from PIL import Image


def short_side_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Height and width of a picture whose shorter side becomes `short_side` pixels.

    The other side keeps the aspect, rounded down, as in torchvision's `Resize`.

    >>> short_side_size(480, 854, 256)
    (256, 455)
    """
    if height <= width:
        return short_side, max(1, short_side * width // height)
    return max(1, short_side * height // width), short_side


def resize_short_side(picture: np.ndarray, short_side: int) -> np.ndarray:
    """Resize a picture, so that the shorter side has `short_side` pixels.

    Args:
        picture: (H, W, 3) uint8.
        short_side: pixels.

    Returns:
        (h, w, 3) uint8, sides as in `short_side_size`; the picture itself where nothing changes.
    """
    height, width = short_side_size(picture.shape[0], picture.shape[1], short_side)
    if (height, width) == picture.shape[:2]:
        return picture
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
