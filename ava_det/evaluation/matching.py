"""Decides which rows count in a frame-mAP and which detections are true.

The functions work on whole columns, without a loop over rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ava_det.boxes import area
from ava_det.formats.ava_csv import BOX, has_box
from ava_det.formats.class_map import ClassMap
from ava_det.structures import Keyframe


@dataclass(frozen=True)
class FrameProtocol:
    """The rules in which AVA's protocols differ. Figures of different protocols do not compare.

    Attributes:
        cap: The number of rows (box x evaluated class) of a keyframe that count, by score; None
            counts all.
        only_listed: Whether to ignore detections on keyframes that the ground truth does not list.
            Otherwise these detections are false.
    """

    cap: int | None
    only_listed: bool


FRAME_PROTOCOLS = {
    # The official evaluator as of 2020, ActivityNet's `get_ava_performance.py`.
    "activitynet": FrameProtocol(cap=50, only_listed=True),
    # What PySlowFast's `ava_eval_helper.py` means to compute.
    "uncapped": FrameProtocol(cap=None, only_listed=False),
}


@dataclass(frozen=True, eq=False)
class LabelledBoxes:
    """The rows of a table as arrays.

    Attributes:
        row: (N,) int64, the positions of the rows in the table.
        keyframe: (N,) int64, the number of the keyframe, from `number_keyframes`.
        column: (N,) int64, the column of the class in the class map.
        box: (N, 4) float64, xyxy, relative.
    """

    row: np.ndarray
    keyframe: np.ndarray
    column: np.ndarray
    box: np.ndarray

    def __getitem__(self, which: np.ndarray) -> "LabelledBoxes":
        """Return the rows that a mask or positions choose."""
        return LabelledBoxes(
            self.row[which], self.keyframe[which], self.column[which], self.box[which]
        )

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, eq=False)
class Matches:
    """The rows that count in a frame-mAP: M of the ground truth and N detections.

    Attributes:
        truth: The M rows, in the order of their table.
        found: The N rows, sorted by class and within a class by descending score.
        score: (N,) float64, the scores.
        hit: (N,) bool: whether a detection is true.
        taken: (N,) int64: the row among the M that a true detection has found, else -1.
        left_out: From a reason to the number of rows that do not count for it, without zeros.
        unlisted: The number of detections on keyframes that the ground truth does not list.
    """

    truth: LabelledBoxes
    found: LabelledBoxes
    score: np.ndarray
    hit: np.ndarray
    taken: np.ndarray
    left_out: dict[str, int]
    unlisted: int


def match_tables(
    ground_truth: pd.DataFrame,
    detections: pd.DataFrame,
    class_map: ClassMap,
    protocol: str,
    excluded: Iterable[Keyframe],
    iou_threshold: float,
) -> Matches:
    """Drop the rows that do not count, and decide which detections are true.

    Args:
        ground_truth: A table of annotations, as for `frame_map`.
        detections: A table with scores.
        class_map: The classes to evaluate.
        protocol: A key of `FRAME_PROTOCOLS`.
        excluded: Keyframes whose rows do not count.
        iou_threshold: The smallest overlap of a true detection.

    Raises:
        KeyError: The protocol is unknown.
    """
    rules, sieve = FRAME_PROTOCOLS[protocol], _Sieve()
    rows = [(keyframe.video, keyframe.tick) for keyframe in excluded]
    banned_table = pd.DataFrame(rows, columns=["video", "tick"]).astype({"tick": "int64"})
    listed, asked, banned = number_keyframes([ground_truth, detections, banned_table])
    truth = sieve.known(ground_truth, listed, class_map, "ground truth")
    truth = sieve.sound(truth, banned, "ground truth")

    score = np.asarray(detections["score"])
    found = sieve.known(detections, asked, class_map, "detections")
    if rules.cap is not None:
        # The cap comes first: a degenerate box uses up a place, as in the official evaluator.
        best = _best_of_keyframe(found, score, rules.cap)
        found = sieve.keep(found, best, f"detections beyond the {rules.cap} best of a keyframe")
    is_listed = np.isin(found.keyframe, listed)
    unlisted = int(len(is_listed) - is_listed.sum())
    if rules.only_listed:
        found = sieve.keep(found, is_listed, "detections on keyframes that are not listed")
    found = sieve.sound(found, banned, "detections")
    found = found[np.lexsort((-score[found.row], found.column))]
    taken = match(truth, found, iou_threshold)
    return Matches(truth, found, score[found.row], taken >= 0, taken, sieve.left_out, unlisted)


def number_keyframes(tables: Sequence[pd.DataFrame]) -> list[np.ndarray]:
    """Number the keyframes of several tables, with the same numbers in all tables.

    Args:
        tables: Tables with the columns video and tick.

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


def match(truth: LabelledBoxes, found: LabelledBoxes, iou_threshold: float) -> np.ndarray:
    """Match each detection with at most one row of ground truth.

    A detection tries one row: the ground truth of the same keyframe and class with the largest
    overlap, the first of equal ones. It is true if the overlap reaches the threshold and no earlier
    detection has taken this row.

    Args:
        truth: M rows of ground truth.
        found: N detections. Those of one class are sorted by descending score.
        iou_threshold: The smallest overlap of a true detection.

    Returns:
        (N,) int64 positions in truth, -1 for a false detection.
    """
    classes = max(truth.column.max(initial=0), found.column.max(initial=0)) + 1
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
    """Return (N,) the intersection over union of box a[i] with box b[i], for boxes (N, 4).

    No box may be degenerate. The operations and their order are those of `boxes.iou`.
    """
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    sides = np.clip(sides, 0, None)
    intersection = sides[:, 0] * sides[:, 1]
    return intersection / (area(a) + area(b) - intersection)


@dataclass
class _Sieve:
    """Drops rows and counts them by reason."""

    left_out: dict[str, int] = field(default_factory=dict)

    def keep(self, rows: LabelledBoxes, which: np.ndarray, reason: str) -> LabelledBoxes:
        """Return the rows where `which` is true, and count the others under `reason`."""
        dropped = int(len(which) - which.sum())
        if not dropped:
            return rows
        self.left_out[reason] = self.left_out.get(reason, 0) + dropped
        return rows[which]

    def known(
        self, table: pd.DataFrame, keyframe: np.ndarray, class_map: ClassMap, what: str
    ) -> LabelledBoxes:
        """Return the rows of a table that have a box and an evaluated class."""
        column = class_map.indexes(np.asarray(table["action"]))
        box = np.asarray(table[BOX], np.float64)
        rows = LabelledBoxes(np.arange(len(table)), keyframe, column, box)
        some = np.asarray(has_box(table))
        rows = rows[some] if not some.all() else rows
        return self.keep(rows, rows.column >= 0, f"{what} of classes that are not evaluated")

    def sound(self, rows: LabelledBoxes, banned: np.ndarray, what: str) -> LabelledBoxes:
        """Return the rows with a proper box on a keyframe that is not excluded."""
        allowed = ~np.isin(rows.keyframe, banned)
        rows = self.keep(rows, allowed, f"{what} on excluded keyframes")
        proper = np.all(rows.box[:, :2] < rows.box[:, 2:], axis=1)
        return self.keep(rows, proper, f"{what} with a degenerate box")


def _best_of_keyframe(found: LabelledBoxes, score: np.ndarray, cap: int) -> np.ndarray:
    """Return (N,) bool: whether a row is among the `cap` best of its keyframe."""
    order = np.lexsort((-score[found.row], found.keyframe))
    keyframe = found.keyframe[order]
    rank = np.arange(len(order)) - np.searchsorted(keyframe, keyframe, "left")
    kept = np.empty(len(order), bool)
    kept[order] = rank < cap
    return kept
