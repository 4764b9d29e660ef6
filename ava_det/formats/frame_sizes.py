"""The sizes of frames that boxes were drawn on, and whether such boxes fit a video.

Relative boxes fit frames of any size, but only of one shape. Boxes that were drawn on frames of
another shape lie in other places of the video, because the drawn frames were turned, cropped or
padded.
"""

import csv
from collections.abc import Iterable, Mapping

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.csv_file import csv_rows, find_columns, is_header
from ava_det.structures import InputError

Size = tuple[int, int]  # width, height

ASPECT_TOLERANCE = 0.02
PADDED_TOLERANCE = 0.03  # 640 x 360 may be noted as 640 x 368
_BLOCK = 16  # pixels that codecs pad a side to a multiple of
_MOST_DIGITS = 6  # of a side
UPRIGHT = (
    "a tool that does not turn a phone's video has drawn them; annotate the turned video, or use a "
    "copy without a turn (ffmpeg -display_rotation 0 -i VIDEO -c copy COPY)"
)


def misfit(drawn: Size, shown: Iterable[Size]) -> str:
    """Tell why boxes that were drawn on frames of one size do not fit a video.

    Args:
        drawn: Size of the frames that the boxes were drawn on.
        shown: Sizes at which a player may show the video: with its pixels as stored, or made
            square.

    Returns:
        "" if the boxes fit: the sizes have the same shape, up to rounding and padding. "swapped" if
        the boxes would fit with width and height exchanged, else "aspect".

    >>> misfit((960, 540), [(1920, 1080)]), misfit((192, 144), [(144, 192)])
    ('', 'swapped')
    """
    sizes = list(shown)
    if any(_alike(drawn, size) for size in sizes):
        return ""
    return "swapped" if any(_alike(drawn[::-1], size) for size in sizes) else "aspect"


def _alike(a: Size, b: Size) -> bool:
    """Return whether two sizes have the same shape, up to rounding and the padding of a codec."""
    (width, height), (w, h) = a, b
    off = abs(width * h / (height * w) - 1)
    rounded = abs(width - height * w / h) <= 1 or abs(height - width * h / w) <= 1
    padded = all(-(-one // _BLOCK) == -(-two // _BLOCK) for one, two in zip(a, b, strict=True))
    return off <= ASPECT_TOLERANCE or rounded or (padded and off <= PADDED_TOLERANCE)


def require_fit(where: str, drawn: Size, video: StrPath, shown: Iterable[Size]) -> None:
    """Refuse boxes that were drawn on frames of another shape than the video has; see `misfit`.

    Raises:
        InputError: The boxes do not fit. The message starts with `where` and names both sizes and a
            remedy.
    """
    sizes = list(dict.fromkeys(shown))
    problem = misfit(drawn, sizes)
    if not problem:
        return
    seen = " or ".join(f"{width} x {height}" for width, height in sizes)
    what = f"{where}: boxes were drawn on {drawn[0]} x {drawn[1]}, and {video} shows as {seen}"
    if problem == "swapped":
        raise InputError(f"{what}: width and height are swapped; {UPRIGHT}")
    raise InputError(
        f"{what}: another shape; is it another video (--video NAME), or one that was cropped? "
        "Where frames were only stretched, --stretched takes the boxes"
    )


def read_sizes(path: StrPath) -> dict[str, Size]:
    """Read sizes by video from a csv of `video,width,height`, with or without a header line.

    Raises:
        InputError: A row is malformed.
    """
    sizes: dict[str, Size] = {}
    columns = ["video", "width", "height"]
    places, width = [0, 1, 2], len(columns)
    for number, row in csv_rows(path):
        if number == 1 and is_header(row, columns):
            places, width = list(find_columns(path, row, columns, columns).values()), len(row)
        elif any(row):
            video, *sides = [row[k].strip() for k in places] if len(row) == width else [""]
            if not video or not all(_is_side(side) for side in sides):
                raise InputError(f"{path}: row {number}: not video,width,height")
            sizes[video] = int(sides[0]), int(sides[1])
            if 0 in sizes[video]:
                raise InputError(f"{path}: row {number}: a side of 0 pixels")
    return sizes


def _is_side(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def write_sizes(path: StrPath, sizes: Mapping[str, Size]) -> None:
    """Write sizes as `read_sizes` reads them, atomically."""
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video", "width", "height"])
        writer.writerows((video, *size) for video, size in sizes.items())
