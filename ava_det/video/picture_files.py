"""Picture files, read in bounded memory."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ava_det.formats.regular import require_regular
from ava_det.structures import InputError
from ava_det.video.picture_size import require_usable

_MOST_BYTES = 1 << 28  # of a file; the pixels of the largest pictures are 106 MB


def read_picture(path: Path | str) -> np.ndarray:
    """(H, W, 3) uint8 RGB of an image file.

    Raises:
        InputError: it is none, or of a size that is not worked with.
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
    """Width and height by the header of an image file, so that nothing large is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise InputError(f"{path}: its picture is too large ({error})") from None
        raise InputError(f"{path}: not a readable picture") from None
