"""Frame-mAP: mean average precision of labelled boxes on keyframes, by the protocols in use.

Tables in (`formats.ava_csv` says what they hold), numbers out, on whole columns: AVA val with
millions of result rows takes seconds.
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
    """A frame-mAP and what it is made of; classes go by name, in the order of the class map.

    Attributes:
        protocol: a key of `FRAME_PROTOCOLS`.
        iou_threshold: the overlap from which a detection is true.
        mAP: mean of `ap` over the classes with ground truth; NaN if there is none.
        ap: average precision of each class, None for a class without ground truth.
        groups: mean of `ap` over each group of the class map, None as in `ap`.
        ground_truth: how many rows of ground truth counted, of each class.
        detections: how many detections counted, of each class.
        rows: the rows that counted, and which detections are true.
        counted: (M,) bool, whether each row of the ground truth counted.
        outcome: (N,) int8, what became of each row of the detections: HIT, MISS or LEFT_OUT.
        ranked: (n,) bool of each class: which of its n detections are hits, by descending score.
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
        """(n,) precision, its envelope, and (n,) recall of each class with ground truth."""
        curves = {}
        for name, positives in self.ground_truth.items():
            if positives:
                precision, recall = precision_recall(self.ranked[name], positives)
                curves[name] = envelope(precision), recall
        return curves

    def summary(self) -> Evaluation:
        """The figures without the arrays, with those of parts: by size of people and by crowd.

        Raises:
            ValueError: there is no ground truth, so that there is no mAP either.
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

    Each detection, by descending score and equal ones in the order of the table, tries only the
    ground truth of its keyframe and class that it overlaps best; it is false if that one is taken
    or the overlap is below the threshold. Degenerate boxes and classes outside the class map do not
    count.

    Args:
        ground_truth: table of annotations. Each keyframe in it is listed, even if only by a row
            without a box or of a class outside the map.
        detections: table with scores.
        class_map: the classes to evaluate.
        protocol: a key of `FRAME_PROTOCOLS`.
        excluded: keyframes of which neither ground truth nor detections count.
        iou_threshold: the overlap from which a detection is true.

    Raises:
        KeyError: an unknown protocol.
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
    """Mean AP over people of a size, as COCO does it.

    People of other sizes are neither to be found nor false: a detection that takes one of them does
    not count, and neither does a false detection whose own box is of another size.
    """
    there, here = area(rows.truth.box), area(rows.found.box)
    size = np.where(rows.hit, there[rows.taken] if len(there) else 0, here)
    return {
        name: _part(rows, (low <= there) & (there < high), (low <= size) & (size < high), classes)
        for name, (low, high) in SIZES.items()
    }


def by_crowd(rows: Matches, classes: int) -> dict[str, Part]:
    """Mean AP over the keyframes on which so many people are annotated with a class that counts.

    Detections on keyframes without any are in none of the parts.
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
    """(N,) the value of each asked key, 0 where there is none."""
    if not len(keys):
        return np.zeros(len(asked))
    place = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)


def _part(rows: Matches, truth: np.ndarray, found: np.ndarray, classes: int) -> Part:
    """The figures of some of the rows, by masks (M,) and (N,)."""
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
