"""Links boxes on keyframes into tubes, as the ACT detector does.

The source is Kalogeiton et al., "Action Tubelet Detector for Spatio-Temporal Action Localization"
(ICCV 2017), and `BuildTubes` in `ACT.py`, with tubelets of one frame. Each class is linked
separately. Keyframe by keyframe, each tube takes a box that it overlaps. All videos and classes are
linked at once, in flat arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ava_det.evaluation.matching import paired_iou
from ava_det.evaluation.tubes import BoxRows, Tubes, build_tubes, tube_iou


@dataclass(frozen=True)
class Linking:
    """The rules of linking boxes into tubes; the default values are those of ACT.

    Attributes:
        box_nms: Drop a box that overlaps a better box of the same class and keyframe by more.
        most_boxes: The number of boxes of a class to keep on a keyframe.
        link_iou: The smallest overlap of a box with the last box of a tube.
        most_steps: The largest distance between two neighbouring boxes of a tube, in steps.
        least_score: Drop tubes with a lower score.
        least_ticks: Drop tubes that last fewer ticks.
        tube_nms: Drop a tube that overlaps a better tube of the same class by more.
    """

    box_nms: float = 0.3
    most_boxes: int = 10
    link_iou: float = 0.2
    most_steps: int = 5
    least_score: float = 0.01
    least_ticks: int = 15
    tube_nms: float = 0.3


@dataclass(frozen=True, eq=False)
class Linked:
    """The tubes, the number of too short tubes, and that of longer tubes with too low a score."""

    tubes: Tubes
    short: int
    low: int


def link_boxes(rows: BoxRows, rules: Linking, stride: int = 1) -> Linked:
    """Link scored boxes into tubes.

    Args:
        rows: The detections.
        rules: The rules of linking.
        stride: Ticks per step (`tubes.number_steps`).
    """
    sequence = _numbered(rows.video, rows.column)
    rows, sequence = _sorted(rows, sequence)
    place = _numbered(sequence, rows.step)
    kept = suppress(
        place,
        rows.score,
        lambda i, j: paired_iou(rows.box[i], rows.box[j]),
        rules.box_nms,
        rules.most_boxes,
    )
    rows, sequence = rows[kept], sequence[kept]
    tubes = build_tubes(rows, _assign(rows, sequence, rules))
    long = tubes.length * stride >= rules.least_ticks
    fit = long & (tubes.score >= rules.least_score)
    short, low = int((~long).sum()), int((long & ~fit).sum())
    tubes = tubes.select(np.flatnonzero(fit))
    kept = suppress(
        _numbered(tubes.video, tubes.column),
        tubes.score,
        lambda i, j: tube_iou(tubes, i, tubes, j),
        rules.tube_nms,
    )
    return Linked(tubes.select(kept), short, low)


def suppress(
    group: np.ndarray,
    score: np.ndarray,
    overlap: Callable[[np.ndarray, np.ndarray], np.ndarray],
    threshold: float,
    most: int | None = None,
) -> np.ndarray:
    """Apply non-maximum suppression in all groups at once.

    Args:
        group: (N,) int64, the group of each item.
        score: (N,) scores. Items with higher scores are kept first.
        overlap: Returns the (n,) overlaps of the items at positions i (n,) with those at j (n,).
        threshold: Drop an item that overlaps a kept item by more.
        most: The number of items to keep in a group; None keeps all.

    Returns:
        (n,) positions of the kept items, ascending.
    """
    alive = np.lexsort((-score, group))
    kept, turn = [], 0
    while len(alive) and (most is None or turn < most):
        # The best item left of each group is kept; what overlaps it too much goes.
        is_first = np.diff(group[alive], prepend=-1) != 0
        best = alive[is_first][np.cumsum(is_first) - 1]
        kept.append(alive[is_first])
        alive, best = alive[~is_first], best[~is_first]
        alive = alive[overlap(alive, best) <= threshold]
        turn += 1
    return np.sort(np.concatenate([np.zeros(0, np.int64), *kept]))


@dataclass
class _Live:
    """Tubes that may still grow, in arrays of one length."""

    number: np.ndarray  # of the tube
    sequence: np.ndarray
    last: np.ndarray  # row of the last box
    total: np.ndarray  # sum of the scores
    count: np.ndarray  # number of boxes

    def __getitem__(self, which: np.ndarray) -> "_Live":
        return _Live(
            self.number[which],
            self.sequence[which],
            self.last[which],
            self.total[which],
            self.count[which],
        )

    def joined(self, other: "_Live") -> "_Live":
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _Live(*(np.concatenate(pair) for pair in pairs))


def _assign(rows: BoxRows, sequence: np.ndarray, rules: Linking) -> np.ndarray:
    """Return (N,) int64: the tube of each row. Rows are sorted by `_sorted`."""
    tube = np.full(len(rows), -1)
    nothing = np.zeros(0, np.int64)
    live = _Live(nothing, nothing, nothing, np.zeros(0), nothing)
    by_step = np.argsort(rows.step, kind="stable")  # keeps (sequence, score) within a step
    starts = np.flatnonzero(np.diff(rows.step[by_step], prepend=-1))
    many, tubes = int(sequence.max(initial=-1)) + 1, 0
    for here in np.split(by_step, starts[1:]) if len(by_step) else []:
        live = live[rows.step[here[0]] - rows.step[live.last] <= rules.most_steps]
        # Better tubes choose first.
        live = live[np.lexsort((-live.total / live.count, live.sequence))]
        free = _grow(live, rows, sequence, here, tube, many, rules.link_iou)
        tube[free] = tubes + np.arange(len(free))
        tubes += len(free)
        ones = np.ones(len(free), np.int64)
        live = live.joined(_Live(tube[free], sequence[free], free, rows.score[free], ones))
    return tube


def _grow(
    live: _Live,
    rows: BoxRows,
    sequence: np.ndarray,
    here: np.ndarray,
    tube: np.ndarray,
    many: int,
    link_iou: float,
) -> np.ndarray:
    """Let tubes take the boxes of a step, and return the boxes that no tube takes.

    Args:
        live: The tubes, sorted by sequence, then by the order in which they choose.
        rows: All boxes.
        sequence: (N,) the sequence of each row.
        here: (n,) the rows of the step, sorted by sequence, then by descending score.
        tube: (N,) the tube of each row. This array is changed.
        many: The number of sequences.
        link_iou: The smallest overlap of a box with a tube.
    """
    rank = np.arange(len(live.sequence))
    rank -= np.searchsorted(live.sequence, live.sequence, "left")
    turns = np.split(np.argsort(rank, kind="stable"), np.cumsum(np.bincount(rank))[:-1])
    chooser = np.full(many, -1)
    for choosing in turns:  # the best tube of every sequence, then the second ones ...
        if not len(here):
            break
        chooser[live.sequence[choosing]] = choosing
        tube_of = chooser[sequence[here]]
        asked = np.flatnonzero(tube_of >= 0)
        iou = paired_iou(rows.box[here[asked]], rows.box[live.last[tube_of[asked]]])
        asked = asked[iou >= link_iou]
        _, first = np.unique(tube_of[asked], return_index=True)  # the best box for each tube
        taken = asked[first]
        grown, box = tube_of[taken], here[taken]
        tube[box] = live.number[grown]
        live.last[grown] = box
        live.total[grown] += rows.score[box]
        live.count[grown] += 1
        chooser[live.sequence[choosing]] = -1
        here = np.delete(here, taken)
    return here


def _sorted(rows: BoxRows, sequence: np.ndarray) -> tuple[BoxRows, np.ndarray]:
    order = np.lexsort((-rows.score, rows.step, sequence))
    return rows[order], sequence[order]


def _numbered(*keys: np.ndarray) -> np.ndarray:
    """Return (N,) int64: equal numbers for rows with equal keys (N,), in the order of the keys."""
    number = np.zeros(len(keys[0]), np.int64)
    for key in keys:
        number = number * (int(key.max(initial=0)) + 1) + key
        number = np.unique(number, return_inverse=True)[1]
    return number
