"""How a player shows a coded picture: turned, mirrored, and with its pixels made square."""

from fractions import Fraction
from typing import NamedTuple, SupportsBytes, cast

import av
import numpy as np

Size = tuple[int, int]  # width, height

SQUARE = Fraction(1)
MOST_STRETCH = 16


class Orientation(NamedTuple):
    """One of the eight ways to lay a picture: rows and columns are swapped first, then flipped.

    >>> Orientation(transposed=True, left_right=True).apply(np.array([[1, 2], [3, 4]]))
    array([[3, 1],
           [4, 2]])

    Attributes:
        transposed: whether rows and columns are swapped.
        up_down: whether the rows are then in reverse order.
        left_right: whether the columns are then in reverse order.
    """

    transposed: bool = False
    up_down: bool = False
    left_right: bool = False

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """A picture (H, W, C) or (H, W) as it is shown, a view of the same memory."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        return picture[:: -1 if self.up_down else 1, :: -1 if self.left_right else 1]

    def size(self, width: int, height: int) -> Size:
        """Width and height of a picture of that size once it is laid so."""
        return (height, width) if self.transposed else (width, height)


UPRIGHT = Orientation()


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """How a decoded frame is to be laid, by its display matrix (ISO/IEC 14496-12, 8.5.3).

    A matrix that turns by another angle than a quarter is taken for the nearest one.
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
    """Width by height of a shown pixel, from that of a coded one; square where that is unknown, or
    so far from square that it must be damaged.
    """
    if coded is None or not 1 / MOST_STRETCH <= coded <= MOST_STRETCH:
        return SQUARE
    return 1 / coded if orientation.transposed else coded


def displayed_size(width: int, height: int, aspect: Fraction) -> Size:
    """Width and height in square pixels: one grows, none shrinks, as in a browser (HTML, 4.8.8).

    >>> displayed_size(720, 576, Fraction(64, 45)), displayed_size(720, 480, Fraction(8, 9))
    ((1024, 576), (720, 540))
    """
    return round(width * max(aspect, SQUARE)), round(height / min(aspect, SQUARE))
