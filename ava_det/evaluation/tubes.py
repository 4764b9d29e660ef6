"""Stores action tubes in flat arrays: a tube is a box on every step of a stretch of time.

A step is the time between two keyframes of a video (`number_steps`): a frame where every frame is
evaluated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.evaluation.matching import paired_iou
from ava_det.structures import InputError

MOST_BOXES = 6_000_000  # of tubes, with those between their keyframes, at 200 bytes each
_BLOCK = 1 << 20  # boxes that are compared at a time


@dataclass(frozen=True, eq=False)
class BoxRows:
    """Boxes of classes, before and after they are linked into tubes.

    Attributes:
        video: (N,) int64, the number of the video.
        step: (N,) int64, the number of the keyframe in the video.
        column: (N,) int64, the column of the class in the class map.
        box: (N, 4) float64, xyxy, relative; no box is degenerate.
        score: (N,) float64, the scores.
    """

    video: np.ndarray
    step: np.ndarray
    column: np.ndarray
    box: np.ndarray
    score: np.ndarray

    def __getitem__(self, which: np.ndarray) -> "BoxRows":
        """Return the rows that a mask or positions choose."""
        return BoxRows(
            self.video[which],
            self.step[which],
            self.column[which],
            self.box[which],
            self.score[which],
        )

    def __len__(self) -> int:
        return len(self.video)


@dataclass(frozen=True, eq=False)
class Tubes:
    """Tubes without gaps.

    Attributes:
        video: (T,) int64, the number of the video.
        column: (T,) int64, the column of the class in the class map.
        score: (T,) float64, the scores.
        start: (T,) int64, the first step.
        offset: (T + 1,) int64: the boxes of tube t are `box[offset[t]:offset[t + 1]]`.
        box: (B, 4) float64, one box on each step, xyxy, relative.
    """

    video: np.ndarray
    column: np.ndarray
    score: np.ndarray
    start: np.ndarray
    offset: np.ndarray
    box: np.ndarray

    def __len__(self) -> int:
        return len(self.video)

    @property
    def length(self) -> np.ndarray:
        """Return (T,) int64, the lengths in steps."""
        return np.diff(self.offset)

    def select(self, which: np.ndarray) -> "Tubes":
        """Return the tubes at the positions (n,)."""
        length = self.length[which]
        row = ramp(length) + np.repeat(self.offset[which], length)
        return Tubes(
            self.video[which],
            self.column[which],
            self.score[which],
            self.start[which],
            np.concatenate([[0], np.cumsum(length)]),
            self.box[row],
        )


def number_steps(tables: Sequence[pd.DataFrame]) -> tuple[list[np.ndarray], int]:
    """Number the keyframes of each video from 0, so that neighbours differ by 1.

    Args:
        tables: Tables with the columns video and tick, of the same videos.

    Returns:
        For each table (N,) int64 steps; and the number of ticks per step: the greatest common
        divisor of the distances between keyframes.
    """
    rows = pd.concat([table[["video", "tick"]].astype({"video": "str"}) for table in tables])
    since_first = np.asarray(rows["tick"] - rows.groupby("video")["tick"].transform("min"))
    stride = int(np.gcd.reduce(since_first)) if len(since_first) else 0
    stride = stride or 1  # every video has a single keyframe
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return np.split(since_first // stride, ends), stride


def build_tubes(rows: BoxRows, tube: np.ndarray) -> Tubes:
    """Make tubes of boxes, with linearly interpolated boxes on the steps that a tube misses.

    Args:
        rows: The boxes. A tube has at most one box on a step.
        tube: (N,) int64 from 0: the tube of each box.

    Returns:
        One tube for each number of `tube`, in ascending order. The score is the mean score of the
        boxes.

    Raises:
        InputError: The tubes miss so many steps that memory does not hold the boxes.
    """
    order = np.lexsort((rows.step, tube))
    rows, tube = rows[order], tube[order]
    first = np.flatnonzero(np.diff(tube, prepend=-1))
    count = np.diff(first, append=len(tube))
    pace = np.diff(rows.step, append=0)
    pace[first + count - 1] = 1  # a tube's last box
    if pace.sum() > MOST_BOXES:
        raise InputError(
            f"the tubes miss steps: with the boxes between, they have {pace.sum():,} boxes, and "
            f"{MOST_BOXES:,} fit into memory: the person ids or the ticks are wrong"
        )
    before = np.repeat(np.arange(len(rows)), pace)
    share = (ramp(pace) / np.repeat(pace, pace))[:, None]
    after = np.minimum(before + 1, len(rows) - 1)
    box = (1 - share) * rows.box[before] + share * rows.box[after]
    length = np.add.reduceat(pace, first) if len(first) else count
    score = np.add.reduceat(rows.score, first) if len(first) else np.zeros(0)
    return Tubes(
        video=rows.video[first],
        column=rows.column[first],
        score=score / count,
        start=rows.step[first],
        offset=np.concatenate([[0], np.cumsum(length)]),
        box=box,
    )


def tube_iou(
    a: Tubes, i: np.ndarray, b: Tubes, j: np.ndarray, *, both_ends: bool = True
) -> np.ndarray:
    """Return (P,) the spatio-temporal overlaps of tubes a[i] and b[j] of the same videos.

    The overlap is the temporal intersection over union, times the mean spatial one over the common
    steps. If both ends count, this equals the mean over the steps of either tube.


    Args:
        a: Tubes.
        i: (P,) positions in a.
        b: Tubes.
        j: (P,) positions in b.
        both_ends: Whether a tube from step 3 to step 5 has length 3 (ACT's `iou3dt`), rather than 2
            (that of MultiSports, where a tube of length 0 overlaps nothing).
    """
    a_end, b_end = a.start[i] + a.length[i] - 1, b.start[j] + b.length[j] - 1
    start, end = np.maximum(a.start[i], b.start[j]), np.minimum(a_end, b_end)
    shared = np.maximum(end - start + 1, 0)
    total = np.zeros(len(i))
    many = np.flatnonzero(np.diff(np.cumsum(shared) // _BLOCK, prepend=0))
    for part in np.split(np.arange(len(i)), many):  # few boxes at a time, to save memory
        step = ramp(shared[part]) + np.repeat(start[part], shared[part])
        pair = np.repeat(part, shared[part])
        a_row = step + (a.offset[i] - a.start[i])[pair]
        b_row = step + (b.offset[j] - b.start[j])[pair]
        overlap = paired_iou(a.box[a_row], b.box[b_row])
        total[part] = np.bincount(np.repeat(np.arange(len(part)), shared[part]), overlap, len(part))
    span = np.maximum(a_end, b_end) - np.minimum(a.start[i], b.start[j]) + both_ends
    inside = np.maximum(end - start + both_ends, 0)
    spatial = np.divide(total, shared, out=np.zeros(len(i)), where=shared > 0)
    return spatial * np.divide(inside, span, out=np.zeros(len(i)), where=span > 0)


def ramp(counts: np.ndarray) -> np.ndarray:
    """Return 0 1 ... n - 1 for each n of counts, one after the other.

    >>> ramp(np.array([2, 0, 3]))
    array([0, 1, 0, 1, 2])
    """
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
