"""Computes video-mAP, the mean average precision of action tubes.

Takes the tables of `formats.ava_csv` and returns numbers. A tube of the ground truth is one action
that one person does without a break. Detections with track ids are tubes already. Other detections
are linked into tubes (`evaluation.linking`).
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.evaluation.average_precision import average_precision, precision_recall
from ava_det.evaluation.figures import VideoEvaluation
from ava_det.evaluation.linking import Linking, link_boxes
from ava_det.evaluation.tubes import BoxRows, Tubes, build_tubes, number_steps, tube_iou
from ava_det.formats.atomic import StrPath
from ava_det.formats.ava_csv import BOX, has_box
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError

MOST_PAIRS = 2_000_000  # of tubes, at 260 bytes each; UCF101-24 has 20,000
THRESHOLDS = (0.2, *(round(0.5 + 0.05 * k, 2) for k in range(10)))


@dataclass(frozen=True)
class VideoProtocol:
    """The rules in which evaluators of tubes differ. Figures of different protocols do not compare.

    Attributes:
        both_ends: Whether both ends count in the length of a tube (`tubes.tube_iou`).
        second_choice: Whether a detection takes the best free tube of the ground truth. Otherwise a
            detection is false if its best tube is taken.
        trapezoid: Whether to integrate the curve itself, from precision 1 on, instead of the
            monotone envelope.
    """

    both_ends: bool
    second_choice: bool
    trapezoid: bool


VIDEO_PROTOCOLS = {
    # ACT's and MOC's `videoAP`: the figures of JHMDB and UCF101-24.
    "act": VideoProtocol(both_ends=True, second_choice=True, trapezoid=True),
    # `evaluate_multisports.py`.
    "multisports": VideoProtocol(both_ends=False, second_choice=False, trapezoid=False),
}


@dataclass(frozen=True, eq=False)
class VideoMap:
    """A video-mAP and its parts, by names of classes in the order of the class map.

    Attributes:
        protocol: A key of `VIDEO_PROTOCOLS`.
        linked: Whether the detections were linked here, rather than given as tubes.
        stride: Ticks between keyframes.
        ap: From a threshold to the average precision of each class; None for a class without ground
            truth.
        ground_truth: The number of annotated tubes of each class.
        detections: The number of detected tubes of each class.
        left_out: From a reason to the number of linked tubes that did not count for it.
        least_ticks: The shortest duration of a linked tube that counts; 0 if no tube was linked.
        short: The number of tubes of the ground truth that are shorter.
    """

    protocol: str
    linked: bool
    stride: int
    ap: dict[float, dict[str, float | None]]
    ground_truth: dict[str, int]
    detections: dict[str, int]
    left_out: dict[str, int]
    least_ticks: int
    short: int

    def mAP(self, threshold: float) -> float:
        """Return the mean over the classes with ground truth; NaN without ground truth."""
        known = [ap for ap in self.ap[threshold].values() if ap is not None]
        return sum(known) / len(known) if known else math.nan

    def figures(self) -> dict[str, float]:
        """Return the usual figures: "0.2", "0.5", "0.75", and "0.5:0.95", the mean of ten."""
        usual = {f"{t:g}": self.mAP(t) for t in (0.2, 0.5, 0.75)}
        ten = [self.mAP(threshold) for threshold in THRESHOLDS if threshold >= 0.5]
        return {**usual, "0.5:0.95": sum(ten) / len(ten)}

    def summary(self) -> VideoEvaluation:
        """Return the figures, in the form of the JSON file.

        Raises:
            ValueError: No annotated tube is of an evaluated class.
        """
        if not any(self.ground_truth.values()):
            raise ValueError("no tube of an evaluated class")
        return {
            "protocol": self.protocol,
            "linked": self.linked,
            "mAP": self.figures(),
            "AP": {f"{threshold:g}": ap for threshold, ap in self.ap.items()},
            "ground_truth": self.ground_truth,
            "detections": self.detections,
            "left_out": self.left_out,
            "least_ticks": self.least_ticks,
            "short": self.short,
        }


def video_map(
    ground_truth: pd.DataFrame,
    detections: pd.DataFrame,
    class_map: ClassMap,
    *,
    protocol: str = "act",
    linking: Linking | None = None,
    sources: tuple[StrPath, StrPath] = ("ground truth", "detections"),
) -> VideoMap:
    """Evaluate detections as tubes.

    Classes outside the class map, degenerate boxes and videos without ground truth do not count.

    Args:
        ground_truth: A table of annotations with person ids. Without ids, nobody may do an action
            together with somebody else.
        detections: A table with scores. If all rows have a person id, they are tubes already: the
            boxes of a (video, person, action), whose score is their mean. Otherwise they are
            linked.
        class_map: The classes to evaluate.
        protocol: A key of `VIDEO_PROTOCOLS`.
        linking: The rules of linking boxes into tubes.
        sources: Names of the tables for messages.

    Raises:
        KeyError: The protocol is unknown.
        InputError: A tube has two boxes on one keyframe, or there are too many tubes.
    """
    rules = VIDEO_PROTOCOLS[protocol]
    truth_rows, found_rows, people, stride = _rows(ground_truth, detections, class_map)
    truth = build_tubes(truth_rows, _runs(truth_rows, people[0], sources[0]))
    linked = not len(people[1]) or bool((people[1] < 0).any())
    left_out, least_ticks = dict[str, int](), 0
    if linked:
        how = linking or Linking()
        made = link_boxes(found_rows, how, stride)
        found, least_ticks = made.tubes, how.least_ticks
        left_out = {
            f"linked tubes of less than {how.least_ticks} ticks": made.short,
            f"linked tubes scored below {how.least_score:g}": made.low,
        }
    else:
        found = build_tubes(found_rows, _tracks(found_rows, people[1], sources[1]))
    found = found.select(np.lexsort((-found.score, found.column)))
    overlaps = _overlaps(truth, found, rules)
    names = list(class_map.names.values())
    columns = range(len(names))
    positives = np.bincount(truth.column, minlength=len(names)).tolist()
    ranges = np.searchsorted(found.column, np.arange(len(names) + 1))
    ap = {}
    for threshold in THRESHOLDS:
        hits = _hits(len(found), overlaps, threshold, rules.second_choice)
        ranked = [hits[ranges[k] : ranges[k + 1]] for k in columns]
        area = trapezoid_precision if rules.trapezoid else average_precision
        each = [
            (area(ranked[k], positives[k]) if ranked[k].any() else 0.0) if positives[k] else None
            for k in columns
        ]
        ap[threshold] = dict(zip(names, each, strict=True))
    counts = np.diff(ranges).tolist()
    return VideoMap(
        protocol=protocol,
        linked=linked,
        stride=stride,
        ap=ap,
        ground_truth=dict(zip(names, positives, strict=True)),
        detections=dict(zip(names, counts, strict=True)),
        left_out={reason: count for reason, count in left_out.items() if count},
        least_ticks=least_ticks,
        short=int((truth.length * stride < least_ticks).sum()),
    )


def trapezoid_precision(hits: np.ndarray, positives: int) -> float:
    """Return the area under the precision-recall curve by trapezoids, from precision 1 at recall 0.

    This is ACT's `pr_to_ap`. See `average_precision.precision_recall` for the arguments.

    ACT's `pr_to_ap`; arguments as `average_precision.precision_recall`.

    >>> trapezoid_precision(np.array([True, False, True]), positives=2)
    0.7916666666666666
    """
    precision, recall = precision_recall(hits, positives)
    heights = np.concatenate([[1.0], precision])
    return float((np.diff(recall, prepend=0.0) * (heights[1:] + heights[:-1])).sum() / 2)


def _rows(
    ground_truth: pd.DataFrame, detections: pd.DataFrame, class_map: ClassMap
) -> tuple[BoxRows, BoxRows, list[np.ndarray], int]:
    """Return the boxes of both tables that count, their person ids, and the ticks per step."""
    ground_truth = ground_truth[has_box(ground_truth)]
    number = {name: k for k, name in enumerate(ground_truth["video"].unique())}
    tables = [ground_truth, detections[has_box(detections)]]
    tables = [table[table["video"].isin(list(number))] for table in tables]
    steps, stride = number_steps(tables)
    rows, people = [], []
    for table, step in zip(tables, steps, strict=True):
        box = np.asarray(table[BOX], np.float64)
        column = class_map.indexes(np.asarray(table["action"]))
        score = np.asarray(table["score"]) if "score" in table else np.ones(len(table))
        video = np.asarray(table["video"].astype("str").map(number), np.int64)
        counts = (column >= 0) & np.all(box[:, :2] < box[:, 2:], axis=1)
        rows.append(BoxRows(video, step, column, box, score)[counts])
        people.append(np.asarray(table["person"])[counts])
    return rows[0], rows[1], people, stride


def _tracks(rows: BoxRows, person: np.ndarray, what: StrPath) -> np.ndarray:
    """Return (N,) int64: a number for each (video, class, person)."""
    keys = np.stack([rows.video, rows.column, person], axis=1)
    track = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    order = np.lexsort((rows.step, track))
    if ((np.diff(track[order]) == 0) & (np.diff(rows.step[order]) == 0)).any():
        raise InputError(
            f"{what}: two boxes of one person and action on a keyframe; "
            "tubes need person ids that tell people apart"
        )
    return track


def _runs(rows: BoxRows, person: np.ndarray, what: StrPath) -> np.ndarray:
    """Return (N,) int64: a number for each part of `_tracks` without a missed keyframe."""
    track = _tracks(rows, person, what)
    order = np.lexsort((rows.step, track))
    breaks = (np.diff(track[order], prepend=-1) != 0) | (np.diff(rows.step[order], prepend=-2) != 1)
    run = np.empty(len(rows), np.int64)
    run[order] = np.cumsum(breaks) - 1
    return run


def _overlaps(
    truth: Tubes, found: Tubes, rules: VideoProtocol
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the detection, ground truth and overlap of each pair of one video and class."""
    classes = int(max(truth.column.max(initial=0), found.column.max(initial=0))) + 1
    place = truth.video * classes + truth.column
    order = np.argsort(place, kind="stable")
    asked = found.video * classes + found.column
    start = np.searchsorted(place[order], asked, "left")
    count = np.searchsorted(place[order], asked, "right") - start
    if count.sum() > MOST_PAIRS:
        raise InputError(
            f"{count.sum():,} pairs of an annotated and a detected tube of one class in a video "
            f"are too many (at most {MOST_PAIRS:,}): the tubes are torn"
        )
    i = np.repeat(np.arange(len(found)), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    j = order[start[i] + within]
    return i, j, tube_iou(found, i, truth, j, both_ends=rules.both_ends)


def _hits(
    found: int,
    overlaps: tuple[np.ndarray, np.ndarray, np.ndarray],
    threshold: float,
    second_choice: bool,
) -> np.ndarray:
    """Return (found,) bool: which detections are true; better ones come first."""
    hits, taken = np.zeros(found, bool), set[int]()
    i, j, iou = overlaps
    # By detection, the best pair first; of equal pairs the first tube.
    order = np.lexsort((j, -iou, i))
    previous = -1
    for k in order.tolist():
        detection, tube = int(i[k]), int(j[k])
        first = detection != previous
        previous = detection
        may_try = first or second_choice
        if hits[detection] or not may_try or iou[k] < threshold or tube in taken:
            continue
        hits[detection] = True
        taken.add(tube)
    return hits
