"""Reads person boxes that a detector proposes, in every common layout.

A csv has the columns of AVA. PySlowFast's predicted boxes are such a csv with an empty action. A
file whose name ends in .pkl or .pickle is a pickle of MMAction2: a dict from "video,0902" to arrays
N x 5 of relative x1 y1 x2 y2 score, or N x 4 without scores. Its keys may also be pairs (video,
902), or names of videos, each with a dict of ticks. A pickle is parsed, never run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ava_det.formats.ava_csv import read_boxes
from ava_det.formats.ava_rows import BOX, MOST_ROWS, Layout, number_problem
from ava_det.formats.csv_file import shown
from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.structures import InputError

PICKLES = (".pkl", ".pickle")


def read_proposals(
    path: str | Path, threshold: float = 0.0, per_second: int | None = None
) -> pd.DataFrame:
    """Read person boxes.

    Args:
        path: A csv, plain or `.gz`, or a pickle.
        threshold: Boxes with a lower score are left out; 0 keeps all.
        per_second: As in `ava_csv.read_ground_truth`. It holds for the keys of a pickle, too.

    Returns:
        The table that `ava_det.formats.ava_csv` describes. Its index gives the row of a csv, or the
        entry of a pickle, from 1. A keyframe that is listed without a box stays listed.

    Raises:
        InputError: A row or entry is malformed, a pickle holds anything but arrays, or the
            threshold is no score.
    """
    path = Path(path)
    require_score(threshold)
    read = _read_pickle if path.suffix.lower() in PICKLES else read_boxes
    table = read(path, per_second)
    return table[~(table["score"] < threshold)] if threshold > 0 else table


def require_score(threshold: float) -> None:
    """Refuse a threshold that no score can be, such as 30 for 0.3.

    Raises:
        InputError: The threshold is not from 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold={threshold}: scores are from 0 to 1")


def _read_pickle(path: Path, per_second: int | None) -> pd.DataFrame:
    content = read_plain_pickle(path)
    if type(content) is not dict or not content:
        raise InputError(f"{path}: not a dict from 'video,tick' to boxes")
    layout = Layout(eighth="", fewest=2, per_second=per_second)
    videos, ticks, arrays, rows = [], [], [], 0
    for number, (key, value) in enumerate(_entries(content), 1):
        video, tick = _split_key(path, number, key, layout)
        videos.append(video)
        ticks.append(tick)
        arrays.append(_checked(f"{path}: entry {number} ({video[:80]},{tick})", value))
        rows += max(1, len(arrays[-1]))
        if rows > MOST_ROWS:  # one array may be the value of many keys
            raise InputError(f"{path}: more than {MOST_ROWS:,} boxes, too many to hold in memory")
    # A keyframe without boxes has one row, whose box is NaN.
    counts = np.array([max(1, len(array)) for array in arrays])
    nothing = np.full((1, 5), np.nan)
    boxes = np.concatenate([array if len(array) else nothing for array in arrays])
    table = pd.DataFrame(boxes, columns=[*BOX, "score"])
    names = pd.Series(np.array(videos, dtype=object).repeat(counts))
    table = table.assign(video=names.astype("category"), action=-1, person=-1)
    table["tick"] = np.array(ticks, np.int64).repeat(counts)
    table.index = pd.Index(np.arange(1, 1 + len(arrays)).repeat(counts), name="row")
    return table[["video", "tick", *BOX, "action", "person", "score"]]


def _entries(content: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield (key, boxes) of a pickle. The keys of a dict within a dict become pairs."""
    for key, value in content.items():
        if type(value) is dict:
            yield from (((key, tick), boxes) for tick, boxes in value.items())
        else:
            yield key, value


def _split_key(path: Path, number: int, key: Any, layout: Layout) -> tuple[str, int]:
    """Return the video and tick of a key "video,0902" or ("video", 902)."""
    try:
        parts = [_text(part) for part in (key if type(key) is tuple else (key,))]
    except ValueError:
        parts = []
    if len(parts) == 1:
        video, _, tick = parts[0].rpartition(",")
        parts = [video, tick]
    if len(parts) != 2 or not parts[0] or number_problem(layout.second, parts[1].strip()):
        raise InputError(
            f"{path}: entry {number}: the key {shown(key)} is not 'video,{layout.second}' or a "
            f"pair (video, {layout.second})"
        )
    return parts[0], layout.tick(parts[1])


def _text(part: Any) -> str:
    """Return a string or number of a key as the text that a csv would have.

    Raises:
        ValueError: The part is neither text nor a number, is not UTF-8, or has thousands of digits.
    """
    if type(part) is bytes:
        return part.decode()
    if type(part) in (str, int, float):
        return str(part)
    raise ValueError("a tuple in a tuple, or the like")


def _checked(where: str, value: Any) -> np.ndarray:
    """Return (N, 5) float64 of an entry. A missing score is 1."""
    try:
        if isinstance(value, list | tuple) and not all(map(_is_flat, value)):
            raise ValueError("lists within lists, which may be without end")
        array = np.asarray(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{where}: not an array of numbers, N x 5") from None
    if array.size == 0:
        return np.zeros((0, 5))
    if array.ndim != 2 or array.shape[1] not in (4, 5):
        raise InputError(f"{where}: an array of shape {array.shape}, not N x 5")
    if array.shape[1] == 4:
        array = np.column_stack([array, np.ones(len(array))])
    for row in array[~_is_fine(array)]:
        for name, cell in zip([*BOX, "score"], row.tolist(), strict=True):
            problem = number_problem(name, repr(cell))
            if problem:
                raise InputError(f"{where}: {problem}")
    return array


def _is_flat(row: Any) -> bool:
    """Return whether a box is an array, or a short list or tuple of numbers."""
    if isinstance(row, list | tuple):
        return len(row) <= 5 and all(isinstance(k, int | float | np.number) for k in row)
    return isinstance(row, np.ndarray) and row.ndim == 1


def _is_fine(array: np.ndarray) -> np.ndarray:
    """Return (N,) whether a row is finite and its box inside the frame."""
    inside = np.abs(array[:, :4] - 0.5) <= 0.5
    return np.asarray(inside.all(axis=1) & np.isfinite(array[:, 4]))
