"""Frame-mAP: mean average precision of labelled boxes on keyframes, by the protocols in use.

Tables in (`formats.ava_csv` says what they hold), numbers out, on whole columns: AVA val with
millions of result rows takes seconds.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ava_det.evaluation.average_precision import average_precision, envelope, precision_recall
from ava_det.evaluation.figures import Evaluation
from ava_det.evaluation.matching import LabelledBoxes, match, number_keyframes
from ava_det.formats.ava_csv import BOX, has_box
from ava_det.formats.class_map import ClassMap
from ava_det.structures import Keyframe

HIT, MISS, LEFT_OUT = 1, 0, -1  # what `FrameMap.outcome` says of a detection


@dataclass(frozen=True)
class Protocol:
    """What AVA's evaluation protocols differ in; figures of different ones do not compare.

    Attributes:
        cap: how many rows (box x evaluated class) of a keyframe count, by score; None for all.
        only_listed: whether detections on keyframes that the ground truth does not list are
            ignored rather than false.
    """

    cap: int | None
    only_listed: bool


PROTOCOLS = {
    # The official evaluator as of 2020, ActivityNet's `get_ava_performance.py`.
    "activitynet": Protocol(cap=50, only_listed=True),
    # What PySlowFast's `ava_eval_helper.py` means to compute.
    "uncapped": Protocol(cap=None, only_listed=False),
}


@dataclass(frozen=True, eq=False)
class FrameMap:
    """A frame-mAP and its parts, by names of classes in the order of the class map.

    Attributes:
        protocol: a key of `PROTOCOLS`.
        iou_threshold: the least overlap of a true detection.
        mAP: mean of `ap` over the classes with ground truth; NaN without ground truth.
        ap: average precision of each class, None for a class without ground truth.
        groups: mean of `ap` over each group of the class map, None as in `ap`.
        ground_truth: how many rows of ground truth counted, of each class.
        detections: how many detections counted, of each class.
        left_out: rows that did not count: reason -> how many, without zeros.
        unlisted: how many detections lie on keyframes that the ground truth does not list;
            "uncapped" counts them as false.
        counted: (M,) bool, whether each row of the ground truth counted.
        outcome: (N,) int8, what became of each row of the detections: HIT, MISS or LEFT_OUT.
        taken: (N,) int64, the row of the ground truth that each HIT has taken, else -1.
        ranked: (n,) bool of each class: whether each detection is a hit, by descending score.
    """

    protocol: str
    iou_threshold: float
    mAP: float
    ap: dict[str, float | None]
    groups: dict[str, float | None]
    ground_truth: dict[str, int]
    detections: dict[str, int]
    left_out: dict[str, int]
    unlisted: int
    counted: np.ndarray
    outcome: np.ndarray
    taken: np.ndarray
    ranked: dict[str, np.ndarray]

    def curves(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """(n,) envelope of precision and (n,) recall of each class with ground truth."""
        curves = {}
        for name, positives in self.ground_truth.items():
            if positives:
                precision, recall = precision_recall(self.ranked[name], positives)
                curves[name] = envelope(precision), recall
        return curves

    def summary(self) -> Evaluation:
        """The figures without the arrays.

        Raises:
            ValueError: the mAP is undefined without ground truth.
        """
        if math.isnan(self.mAP):
            raise ValueError("no ground truth of an evaluated class")
        return {
            "protocol": self.protocol,
            "iou_threshold": self.iou_threshold,
            "mAP": self.mAP,
            "groups": self.groups,
            "AP": self.ap,
            "ground_truth": self.ground_truth,
            "detections": self.detections,
            "left_out": self.left_out,
            "unlisted": self.unlisted,
        }


def frame_map(
    ground_truth: pd.DataFrame,
    detections: pd.DataFrame,
    class_map: ClassMap,
    *,
    protocol: str,
    excluded: Iterable[Keyframe] | None = None,
    iou_threshold: float = 0.5,
) -> FrameMap:
    """Evaluate detections.

    Each detection, by descending score and equal ones in the order of the table, tries only the
    ground truth of its keyframe and class that it overlaps best; it is false if that one is taken
    or the overlap is below the threshold. Degenerate boxes and classes outside the class map do not
    count.

    Args:
        ground_truth: table of annotations. Each keyframe in it is listed, even if only by a row
            without a box or of a class outside the map.
        detections: table with scores.
        class_map: the classes to evaluate.
        protocol: a key of `PROTOCOLS`.
        excluded: neither ground truth nor detections on these keyframes count.
        iou_threshold: the least overlap of a true detection.

    Raises:
        KeyError: an unknown protocol.
    """
    sieve = _Sieve()
    truth, found, unlisted = _sift(
        sieve, ground_truth, detections, class_map, PROTOCOLS[protocol], excluded or ()
    )
    found = found[np.lexsort((-np.asarray(detections["score"])[found.row], found.column))]
    match_of = match(truth, found, len(class_map), iou_threshold)
    hits = match_of >= 0
    counted = np.zeros(len(ground_truth), bool)
    counted[truth.row] = True
    outcome = np.full(len(detections), LEFT_OUT, np.int8)
    outcome[found.row] = np.where(hits, HIT, MISS)
    taken = np.full(len(detections), -1)
    taken[found.row[hits]] = truth.row[match_of[hits]]

    names = list(class_map.names.values())
    by_class = np.split(hits, np.searchsorted(found.column, np.arange(1, len(names))))
    ranked = dict(zip(names, by_class, strict=True))
    counts = np.bincount(truth.column, minlength=len(names)).tolist()
    positives = dict(zip(names, counts, strict=True))
    ap = {name: average_precision(ranked[name], n) if n else None for name, n in positives.items()}
    mean = _mean(ap.values())
    return FrameMap(
        protocol=protocol,
        iou_threshold=iou_threshold,
        mAP=math.nan if mean is None else mean,
        ap=ap,
        groups=_group_means(class_map, ap),
        ground_truth=positives,
        detections={name: len(ranking) for name, ranking in ranked.items()},
        left_out=sieve.left_out,
        unlisted=unlisted,
        counted=counted,
        outcome=outcome,
        taken=taken,
        ranked=ranked,
    )


def _group_means(class_map: ClassMap, ap: dict[str, float | None]) -> dict[str, float | None]:
    members: dict[str, list[float | None]] = {}
    for i, name in class_map.names.items():
        if i in class_map.groups:
            members.setdefault(class_map.groups[i], []).append(ap[name])
    return {group: _mean(values) for group, values in members.items()}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _sift(
    sieve: "_Sieve",
    ground_truth: pd.DataFrame,
    detections: pd.DataFrame,
    class_map: ClassMap,
    rules: Protocol,
    excluded: Iterable[Keyframe],
) -> tuple[LabelledBoxes, LabelledBoxes, int]:
    """The ground truth and the detections that count, and how many are on unlisted keyframes."""
    rows = [(keyframe.video, keyframe.tick) for keyframe in excluded]
    banned_table = pd.DataFrame(rows, columns=["video", "tick"]).astype({"tick": "int64"})
    listed, asked, banned = number_keyframes([ground_truth, detections, banned_table])
    truth = sieve.known(ground_truth, listed, class_map, "ground truth")
    truth = sieve.sound(truth, banned, "ground truth")

    found = sieve.known(detections, asked, class_map, "detections")
    if rules.cap is not None:
        # The cap comes first: as officially, a degenerate box takes up one of the places.
        best = _best_of_keyframe(found, np.asarray(detections["score"]), rules.cap)
        found = sieve.keep(found, best, f"detections beyond the {rules.cap} best of a keyframe")
    is_listed = np.isin(found.keyframe, listed)
    unlisted = int(len(is_listed) - is_listed.sum())
    if rules.only_listed:
        found = sieve.keep(found, is_listed, "detections on keyframes that are not listed")
    return truth, sieve.sound(found, banned, "detections"), unlisted


@dataclass
class _Sieve:
    """Drops rows and counts them by reason."""

    left_out: dict[str, int] = field(default_factory=dict)

    def keep(self, rows: LabelledBoxes, which: np.ndarray, reason: str) -> LabelledBoxes:
        """The rows where `which` holds; the others fall for `reason`."""
        dropped = int(len(which) - which.sum())
        if not dropped:
            return rows
        self.left_out[reason] = self.left_out.get(reason, 0) + dropped
        return rows[which]

    def known(
        self, table: pd.DataFrame, keyframe: np.ndarray, class_map: ClassMap, what: str
    ) -> LabelledBoxes:
        """The rows of a table that have a box and an evaluated class."""
        column = class_map.indexes(np.asarray(table["action"]))
        box = np.asarray(table[BOX], np.float64)
        rows = LabelledBoxes(np.arange(len(table)), keyframe, column, box)
        some = np.asarray(has_box(table))
        rows = rows[some] if not some.all() else rows
        return self.keep(rows, rows.column >= 0, f"{what} of classes that are not evaluated")

    def sound(self, rows: LabelledBoxes, banned: np.ndarray, what: str) -> LabelledBoxes:
        """The rows with a proper box on a keyframe that is not excluded."""
        allowed = ~np.isin(rows.keyframe, banned)
        rows = self.keep(rows, allowed, f"{what} on excluded keyframes")
        proper = np.all(rows.box[:, :2] < rows.box[:, 2:], axis=1)
        return self.keep(rows, proper, f"{what} with a degenerate box")


def _best_of_keyframe(found: LabelledBoxes, score: np.ndarray, cap: int) -> np.ndarray:
    """(N,) bool: the rows among the `cap` best of their keyframe."""
    order = np.lexsort((-score[found.row], found.keyframe))
    keyframe = found.keyframe[order]
    rank = np.arange(len(order)) - np.searchsorted(keyframe, keyframe, "left")
    kept = np.empty(len(order), bool)
    kept[order] = rank < cap
    return kept
