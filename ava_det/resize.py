"""Resizes pictures without torch. Testing and every detection backend use this code.

Pillow's antialiased bilinear filter gives the same pictures as torchvision's `Resize(size,
antialias=True)`, except for single grey levels in some pixels.
"""

import numpy as np
from PIL import Image


def short_side_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Return the height and width of a picture after the shorter side becomes `short_side` pixels.

    The other side keeps the aspect, rounded down, as in torchvision's `Resize`.

    >>> short_side_size(480, 854, 256)
    (256, 455)
    """
    if height <= width:
        return short_side, max(1, short_side * width // height)
    return max(1, short_side * height // width), short_side


def resize_short_side(picture: np.ndarray, short_side: int) -> np.ndarray:
    """Resize a picture so that the shorter side has `short_side` pixels.

    Args:
        picture: (H, W, 3) uint8.
        short_side: The new shorter side in pixels.

    Returns:
        (h, w, 3) uint8 with the size of `short_side_size`. If the size does not change, this is
        the picture itself.
    """
    height, width = short_side_size(picture.shape[0], picture.shape[1], short_side)
    if (height, width) == picture.shape[:2]:
        return picture
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
