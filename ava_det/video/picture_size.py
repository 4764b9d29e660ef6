"""Which sizes of pictures are worked with, and what resizing makes of them."""

from pathlib import Path

from ava_det.structures import InputError

MOST_PIXELS = 8192 * 4320  # of the largest cinema format
MOST_ASPECT = 16  # of the long side to the short one


def require_usable(path: Path | str, width: int, height: int) -> None:
    """Refuse pictures whose size would take all memory, as they are or once they are resized.

    Raises:
        InputError: they are too large or too thin; the message names the file.
    """
    size = f"{path}: pictures of {width} x {height} pixels"
    if width * height > MOST_PIXELS:
        raise InputError(f"{size} are too large (most is 8192 x 4320); make them smaller")
    if max(width, height) > MOST_ASPECT * min(width, height):
        raise InputError(
            f"{size} are too thin (the long side may be {MOST_ASPECT} times the short one)"
        )


def scaled_size(height: int, width: int, short_side: int | None) -> tuple[int, int]:
    """Height and width once the shorter side has so many pixels, the aspect kept (rounded).

    >>> scaled_size(240, 320, 120), scaled_size(240, 320, None)
    ((120, 160), (240, 320))
    """
    scale = 1.0 if short_side is None else short_side / min(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
