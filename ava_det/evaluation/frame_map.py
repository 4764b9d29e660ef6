"""Computes frame-mAP, the mean average precision of labelled boxes on keyframes.

Takes the tables of `formats.ava_csv` and returns numbers. It works on whole columns. Millions of
result rows, as for AVA val, take seconds.

"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.boxes import area
from ava_det.evaluation.average_precision import average_precision, envelope, precision_recall
from ava_det.evaluation.figures import Evaluation, Part
from ava_det.evaluation.matching import Matches, match_tables
from ava_det.formats.class_map import ClassMap
from ava_det.structures import Keyframe

HIT, MISS, LEFT_OUT = 1, 0, -1  # what `FrameMap.outcome` says of a detection
# COCO's bounds, 32 x 32 and 96 x 96 pixels, as shares of a frame of 640 x 480.
SIZES = {"small": (0.0, 1 / 300), "medium": (1 / 300, 0.03), "large": (0.03, np.inf)}
CROWDS = {"1 person": (1, 1), "2-4 people": (2, 4), "5 or more": (5, np.inf)}


@dataclass(frozen=True, eq=False)
class FrameMap:
    """A frame-mAP and its parts, by names of classes in the order of the class map.

    Attributes:
        protocol: A key of `FRAME_PROTOCOLS`.
        iou_threshold: The smallest overlap of a true detection.
        mAP: The mean of `ap` over the classes with ground truth; NaN without ground truth.
        ap: The average precision of each class; None for a class without ground truth.
        groups: The mean of `ap` over each group of the class map; None as in `ap`.
        ground_truth: The number of rows of ground truth of each class that counted.
        detections: The number of detections of each class that counted.
        rows: The rows that counted, and which detections are true.
        counted: (M,) bool: whether each row of the ground truth counted.
        outcome: (N,) int8: whether each detection is a HIT, a MISS or LEFT_OUT.
        ranked: (n,) bool for each class: whether each detection is a hit, by descending score.
    """

    protocol: str
    iou_threshold: float
    mAP: float
    ap: dict[str, float | None]
    groups: dict[str, float | None]
    ground_truth: dict[str, int]
    detections: dict[str, int]
    rows: Matches
    counted: np.ndarray
    outcome: np.ndarray
    ranked: dict[str, np.ndarray]

    def curves(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return (n,) precision envelope and (n,) recall of each class with ground truth."""
        curves = {}
        for name, positives in self.ground_truth.items():
            if positives:
                precision, recall = precision_recall(self.ranked[name], positives)
                curves[name] = envelope(precision), recall
        return curves

    def summary(self) -> Evaluation:
        """Return the figures without arrays, including those by size of people and by crowd.

        Raises:
            ValueError: The mAP is undefined without ground truth.
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
            "left_out": self.rows.left_out,
            "unlisted": self.rows.unlisted,
            "sizes": by_size(self.rows, len(self.ap)),
            "crowds": by_crowd(self.rows, len(self.ap)),
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

    Detections go by descending score, and equal scores in the order of the table. A detection tries
    one row: the ground truth of the same keyframe and class with the largest overlap. It is false
    if an earlier detection has taken this row, or if the overlap is below the threshold. Degenerate
    boxes and classes outside the class map do not count.

    Args:
        ground_truth: A table of annotations. Every keyframe of the table is listed, even if it has
            only a row without a box or of a class outside the map.
        detections: A table with scores.
        class_map: The classes to evaluate.
        protocol: A key of `FRAME_PROTOCOLS`.
        excluded: Keyframes on which neither ground truth nor detections count.
        iou_threshold: The smallest overlap of a true detection.

    Raises:
        KeyError: The protocol is unknown.
    """
    rows = match_tables(
        ground_truth, detections, class_map, protocol, excluded or (), iou_threshold
    )
    counted = np.zeros(len(ground_truth), bool)
    counted[rows.truth.row] = True
    outcome = np.full(len(detections), LEFT_OUT, np.int8)
    outcome[rows.found.row] = np.where(rows.hit, HIT, MISS)

    names = list(class_map.names.values())
    by_class = np.split(rows.hit, np.searchsorted(rows.found.column, np.arange(1, len(names))))
    ranked = dict(zip(names, by_class, strict=True))
    counts = np.bincount(rows.truth.column, minlength=len(names)).tolist()
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
        rows=rows,
        counted=counted,
        outcome=outcome,
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


def by_size(rows: Matches, classes: int) -> dict[str, Part]:
    """Return the mean AP over people of each size, as in COCO.

    People of other sizes are neither missed nor false. A detection that takes such a person does
    not count, and neither does a false detection with a box of another size.
    """
    there, here = area(rows.truth.box), area(rows.found.box)
    size = np.where(rows.hit, there[rows.taken] if len(there) else 0, here)
    return {
        name: _part(rows, (low <= there) & (there < high), (low <= size) & (size < high), classes)
        for name, (low, high) in SIZES.items()
    }


def by_crowd(rows: Matches, classes: int) -> dict[str, Part]:
    """Return the mean AP over the keyframes with each number of people annotated with a class.

    Detections on keyframes without such people are in none of the parts.
    """
    person = np.concatenate([rows.truth.keyframe[:, None], rows.truth.box], axis=1)
    keyframes, people = np.unique(np.unique(person, axis=0)[:, 0], return_counts=True)
    there, here = (
        _looked_up(keyframes, people, numbers)
        for numbers in (rows.truth.keyframe, rows.found.keyframe)
    )
    return {
        name: _part(rows, (low <= there) & (there <= high), (low <= here) & (here <= high), classes)
        for name, (low, high) in CROWDS.items()
    }


def _looked_up(keys: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return (N,) the value of each key in `asked`, 0 for a missing key."""
    if not len(keys):
        return np.zeros(len(asked))
    place = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)


def _part(rows: Matches, truth: np.ndarray, found: np.ndarray, classes: int) -> Part:
    """Return the figures of some of the rows, chosen by masks (M,) and (N,)."""
    positives = np.bincount(rows.truth.column[truth], minlength=classes)
    column, hit = rows.found.column[found], rows.hit[found]
    ends = np.searchsorted(column, np.arange(classes + 1))
    each = [
        average_precision(hit[ends[k] : ends[k + 1]], int(positives[k]))
        for k in range(classes)
        if positives[k]
    ]
    return {
        "mAP": sum(each) / len(each) if each else None,
        "classes": len(each),
        "ground_truth": int(positives.sum()),
        "detections": int(found.sum()),
    }
