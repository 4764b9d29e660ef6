"""Reads picture files in bounded memory."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ava_det.formats.regular import require_regular
from ava_det.structures import InputError
from ava_det.video.picture_size import require_usable

_MOST_BYTES = 1 << 28  # most bytes of a file; the largest pictures have 106 MB of pixels


def read_picture(path: Path | str) -> np.ndarray:
    """Read an image file into (H, W, 3) uint8 RGB.

    Raises:
        InputError: The file is no image, or the picture is too large or too thin.
    """
    require_regular(path, _MOST_BYTES)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    require_usable(path, *_declared_size(path, data))
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise InputError(f"{path}: not a readable picture")
    return image


def _declared_size(path: Path | str, data: bytes) -> tuple[int, int]:
    """Return the width and height in an image header, so that no large picture is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise InputError(f"{path}: its picture is too large ({error})") from None
        raise InputError(f"{path}: not a readable picture") from None
