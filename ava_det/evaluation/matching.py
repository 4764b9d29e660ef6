"""Which detections are true: whole columns at a time, no loop over rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.boxes import area


@dataclass(frozen=True, eq=False)
class LabelledBoxes:
    """Rows of a table as arrays.

    Attributes:
        row: (N,) int64, their positions in the table.
        keyframe: (N,) int64, number of the keyframe, by `number_keyframes`.
        column: (N,) int64, column of the class in the class map.
        box: (N, 4) float64, xyxy, relative.
    """

    row: np.ndarray
    keyframe: np.ndarray
    column: np.ndarray
    box: np.ndarray

    def __getitem__(self, which: np.ndarray) -> "LabelledBoxes":
        """Some of the rows, by mask or by positions."""
        return LabelledBoxes(
            self.row[which], self.keyframe[which], self.column[which], self.box[which]
        )

    def __len__(self) -> int:
        return len(self.row)


def number_keyframes(tables: Sequence[pd.DataFrame]) -> list[np.ndarray]:
    """Number the keyframes of several tables with the same numbers.

    Args:
        tables: with the columns video and tick.

    Returns:
        For each table (N,) int64: equal numbers for equal (video, tick), in all tables.
    """
    known: dict[str, int] = {}
    videos = []
    for table in tables:
        names = table["video"].astype("category").cat
        number = [known.setdefault(str(name), len(known)) for name in names.categories]
        videos.append(np.array(number, np.int64)[np.asarray(names.codes)])
    # Hashing is many times faster here than np.unique, which sorts.
    ticks, different = pd.factorize(pd.concat([table["tick"] for table in tables]))
    numbers = np.concatenate(videos) * len(different) + np.asarray(ticks)
    return np.split(numbers, np.cumsum([len(table) for table in tables])[:-1])


def match(
    truth: LabelledBoxes, found: LabelledBoxes, classes: int, iou_threshold: float
) -> np.ndarray:
    """Match each detection with at most one row of ground truth.

    A detection tries one row: the ground truth of the same keyframe and class with the largest
    overlap, the first of equal ones. It is true if the overlap reaches the threshold and no earlier
    detection has taken this row.

    Args:
        truth: M rows of ground truth.
        found: N detections; those of one class by descending score.
        classes: how many classes there are.
        iou_threshold: the least overlap.

    Returns:
        (N,) int64 positions in truth, -1 for a false detection.
    """
    place = truth.keyframe * classes + truth.column
    order = np.argsort(place, kind="stable")
    place, boxes = place[order], truth.box[order]
    asked = found.keyframe * classes + found.column
    start = np.searchsorted(place, asked, "left")
    count = np.searchsorted(place, asked, "right") - start

    best = np.full(len(found), -1)
    overlap = np.full(len(found), -1.0)
    # The j-th ground truth of every detection at once: a keyframe has few of one class.
    active, j = np.flatnonzero(count > 0), 0
    while len(active):
        candidate = start[active] + j
        iou = paired_iou(found.box[active], boxes[candidate])
        better = iou > overlap[active]
        best[active[better]], overlap[active[better]] = candidate[better], iou[better]
        j += 1
        active = active[count[active] > j]

    near = np.flatnonzero(overlap >= iou_threshold)
    _, first = np.unique(best[near], return_index=True)
    taken = np.full(len(found), -1)
    taken[near[first]] = order[best[near[first]]]
    return taken


def paired_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N,) intersection over union of box a[i] with box b[i], for boxes (N, 4).

    No box may be degenerate. The operations and their order are those of `boxes.iou`.
    """
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    sides = np.clip(sides, 0, None)
    intersection = sides[:, 0] * sides[:, 1]
    return intersection / (area(a) + area(b) - intersection)
