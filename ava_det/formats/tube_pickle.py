"""Pickles of annotated tubes. They are parsed, never run.

The ACT detector's layout is used by JHMDB (`JHMDB-GT.pkl`), UCF101-24 (`UCF101v2-GT.pkl`) and
MultiSports. It is a dict: `labels`; `train_videos` and `test_videos`, a list of videos for each
split; `nframes`; `resolution` (height, width); and `gttubes`: video -> index of the label -> list
of arrays with a row `frame x1 y1 x2 y2` for each frame, from 1, in pixels.

`pyannot.pkl` has the corrected annotations of UCF101-24, from which `UCF101v2-GT.pkl` was made. It
is a dict of video -> `annotations`, a list of `label`, first frame `sf` from 0, `ef`, which is the
frame after the last, and `boxes` with a row `x y width height` for each frame, in pixels.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.structures import InputError

_KEYS = {
    "labels": list,
    "train_videos": list,
    "test_videos": list,
    "nframes": dict,
    "resolution": dict,
    "gttubes": dict,
}


@dataclass(frozen=True, eq=False)
class AnnotatedTube:
    """One action of one person without a break.

    Attributes:
        label: Index of the class.
        frames: Frames (N,) int64, 0-based.
        boxes: Boxes (N, 4) float64, xyxy, in pixels, as in the file.
    """

    label: int
    frames: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True, eq=False)
class TubeAnnotations:
    """A whole annotation pickle.

    Attributes:
        labels: Names of the classes.
        splits: "train" and "test" -> the videos of each split.
        frames: Video -> number of frames.
        size: Video -> height and width of the frames that the boxes were drawn on.
        tubes: Video -> tubes of the video, class by class.
    """

    labels: list[str]
    splits: dict[str, list[list[str]]]
    frames: dict[str, int]
    size: dict[str, tuple[int, int]]
    tubes: dict[str, list[AnnotatedTube]]


def read_tube_pickle(path: Path) -> TubeAnnotations:
    """Read annotations.

    Raises:
        InputError: The file is not such a pickle. The message names the first bad video.
    """
    content = read_plain_pickle(path)
    with _named(path, "ACT's annotations"):
        return _annotations(path, content)


@contextmanager
def _named(path: Path, what: str) -> Generator[None]:
    """Turn the errors that values of unexpected types raise into one clear line."""
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: not {what} ({str(error)[:200]})") from error


def _annotations(path: Path, content: Any) -> TubeAnnotations:
    for key, kind in _KEYS.items():
        if type(content) is not dict or type(content.get(key)) is not kind:
            raise InputError(f"{path}: not ACT's annotations: no {kind.__name__} {key!r}")
    labels = content["labels"]
    if not all(type(label) is str for label in labels):
        raise InputError(f"{path}: a label that is not a string")
    splits = {subset: content[f"{subset}_videos"] for subset in ("train", "test")}
    frames, size, tubes = {}, {}, {}
    for video, by_label in content["gttubes"].items():
        where = f"{path}: video {video!r}"
        frames[video] = _whole(where, "nframes", content["nframes"].get(video))
        sides = content["resolution"].get(video)
        if not isinstance(sides, tuple | list) or len(sides) != 2:
            raise InputError(f"{where}: no resolution (height, width)")
        size[video] = tuple(_whole(where, "resolution", side) for side in sides)
        tubes[video] = _tubes(where, by_label, len(labels))
    for parts in splits.values():
        for video in (video for part in parts for video in part):
            if video not in tubes:
                raise InputError(f"{path}: video {video!r} of a split has no tubes")
    return TubeAnnotations(labels, splits, frames, size, tubes)


def _whole(where: str, what: str, value: Any) -> int:
    if not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
        raise InputError(f"{where}: {what} is {value!r}, not a whole number from 1")
    return int(value)


def _tubes(where: str, by_label: Any, labels: int) -> list[AnnotatedTube]:
    if type(by_label) is not dict:
        raise InputError(f"{where}: tubes that are not given by label")
    tubes = []
    for label, arrays in by_label.items():
        if type(label) is not int or not 0 <= label < labels:
            raise InputError(f"{where}: label {label!r} of {labels}")
        for array in arrays:
            shape = getattr(array, "shape", ())
            if len(shape) != 2 or shape[1] < 5 or not (np.abs(array) < 2**31).all():
                raise InputError(f"{where}: a tube is not N rows of frame x1 y1 x2 y2")
            frames = np.asarray(array[:, 0], np.int64) - 1
            if len(frames) and frames.min() < 0:
                raise InputError(f"{where}: frames count from 1, not {frames.min() + 1}")
            tubes.append(AnnotatedTube(label, frames, np.asarray(array[:, 1:5], np.float64)))
    return tubes


def read_corrected_pickle(path: Path, labels: int) -> dict[str, list[AnnotatedTube]]:
    """Read `pyannot.pkl`; the boxes have the corners of `UCF101v2-GT.pkl`.

    Args:
        path: The file.
        labels: The number of classes.

    Raises:
        InputError: The file is not such a pickle. The message names the first bad video.
    """
    content = read_plain_pickle(path)
    if type(content) is not dict or not content:
        raise InputError(f"{path}: not the corrected annotations: no dict of videos")
    tubes = {}
    with _named(path, "the corrected annotations"):
        for video, entry in content.items():
            where = f"{path}: video {video!r}"
            parts = entry.get("annotations") if type(entry) is dict else None
            if type(parts) is not list:
                raise InputError(f"{where}: no list 'annotations'")
            tubes[str(video)] = [_corrected(where, part, labels) for part in parts]
    return tubes


def _corrected(where: str, part: Any, labels: int) -> AnnotatedTube:
    if type(part) is not dict:
        raise InputError(f"{where}: a tube that is no dict")
    found = [part.get(key) for key in ("label", "sf", "ef")]
    numbers = [int(value) for value in found if isinstance(value, int | np.integer)]
    if len(numbers) != len(found):
        raise InputError(f"{where}: label, sf and ef are {found}, not whole numbers")
    label, first, end = numbers
    if not 0 <= label < labels:
        raise InputError(f"{where}: label {label} of {labels}")
    boxes: Any = part.get("boxes")
    shape = getattr(boxes, "shape", ())
    if first < 0 or shape != (end - first, 4) or not (np.abs(boxes) < 2**31).all():
        raise InputError(f"{where}: boxes are not x y width height of frames {first} to {end - 1}")
    corner, sides = np.asarray(boxes[:, :2], np.float64), np.asarray(boxes[:, 2:], np.float64)
    return AnnotatedTube(label, np.arange(first, end), np.hstack([corner, corner + sides]))
