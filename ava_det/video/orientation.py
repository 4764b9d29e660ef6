"""Turns and mirrors a coded picture and scales it to square pixels, as a player does."""

from fractions import Fraction
from typing import NamedTuple, SupportsBytes, cast

import av
import numpy as np

Size = tuple[int, int]  # width, height

SQUARE = Fraction(1)
MOST_STRETCH = 16


class Orientation(NamedTuple):
    """One of the eight orientations of a picture: rows and columns are swapped, then flipped.

    >>> Orientation(transposed=True, left_right=True).apply(np.array([[1, 2], [3, 4]]))
    array([[3, 1],
           [4, 2]])

    Attributes:
        transposed: Whether to swap rows and columns.
        up_down: Whether to reverse the rows afterwards.
        left_right: Whether to reverse the columns afterwards.
    """

    transposed: bool = False
    up_down: bool = False
    left_right: bool = False

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture (H, W, C) or (H, W) in this orientation: a view of the same memory."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        return picture[:: -1 if self.up_down else 1, :: -1 if self.left_right else 1]

    def size(self, width: int, height: int) -> Size:
        """Return the width and height of a picture after `apply`."""
        return (height, width) if self.transposed else (width, height)


UPRIGHT = Orientation()


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """Return the orientation of a decoded frame from the display matrix (ISO/IEC 14496-12, 8.5.3).

    A rotation is rounded to the nearest multiple of 90 degrees.
    """
    if "DISPLAYMATRIX" not in picture.side_data:
        return UPRIGHT
    matrix = cast(SupportsBytes, picture.side_data["DISPLAYMATRIX"])
    # A pixel at (x, y) is shown at (a * x + c * y, b * x + d * y).
    a, b, _, c, d, *_ = np.frombuffer(bytes(matrix), "=i4").tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, up_down=b < 0, left_right=c < 0)
    return Orientation(False, up_down=d < 0, left_right=a < 0)


def shown_aspect(coded: Fraction | None, orientation: Orientation) -> Fraction:
    """Return the aspect (width / height) of a shown pixel from the aspect of a coded pixel.

    An unknown or absurd aspect becomes 1.
    """
    if coded is None or not 1 / MOST_STRETCH <= coded <= MOST_STRETCH:
        return SQUARE
    return 1 / coded if orientation.transposed else coded


def displayed_size(width: int, height: int, aspect: Fraction) -> Size:
    """Return width and height in square pixels: one grows, none shrinks, as in HTML, 4.8.8.

    >>> displayed_size(720, 576, Fraction(64, 45)), displayed_size(720, 480, Fraction(8, 9))
    ((1024, 576), (720, 540))
    """
    return round(width * max(aspect, SQUARE)), round(height / min(aspect, SQUARE))
