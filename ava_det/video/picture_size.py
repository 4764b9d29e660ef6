"""Limits the size of pictures, and computes their size after resizing."""

from pathlib import Path

from ava_det.structures import InputError

MOST_PIXELS = 8192 * 4320  # the largest cinema format
MOST_ASPECT = 16  # the most times that the long side may exceed the short side


def require_usable(path: Path | str, width: int, height: int) -> None:
    """Refuse pictures that would take too much memory before or after resizing.

    Raises:
        InputError: The pictures are too large or too thin. The message names the file.
    """
    size = f"{path}: pictures of {width} x {height} pixels"
    if width * height > MOST_PIXELS:
        raise InputError(f"{size} are too large (most is 8192 x 4320); make them smaller")
    if max(width, height) > MOST_ASPECT * min(width, height):
        raise InputError(
            f"{size} are too thin (the long side may be {MOST_ASPECT} times the short one)"
        )


def scaled_size(height: int, width: int, short_side: int | None) -> tuple[int, int]:
    """Return height and width after the shorter side becomes `short_side`; the other is rounded.

    >>> scaled_size(240, 320, 120), scaled_size(240, 320, None)
    ((120, 160), (240, 320))
    """
    scale = 1.0 if short_side is None else short_side / min(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
