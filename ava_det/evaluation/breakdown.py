"""Where an evaluation loses: small people, crowds, wrong actions, nobody there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.boxes import area
from ava_det.evaluation.average_precision import average_precision
from ava_det.evaluation.figures import Part
from ava_det.evaluation.frame_map import HIT, LEFT_OUT, FrameMap
from ava_det.evaluation.matching import number_keyframes, paired_iou
from ava_det.formats.ava_csv import BOX
from ava_det.formats.class_map import ClassMap

# COCO's bounds, 32 x 32 and 96 x 96 pixels, as shares of a frame of 640 x 480.
SIZES = {"small": (0.0, 1 / 300), "medium": (1 / 300, 0.03), "large": (0.03, np.inf)}
CROWDS = {"1 person": (1, 1), "2-4 people": (2, 4), "5 or more": (5, np.inf)}
BINS = 20  # of the histograms of scores


@dataclass(frozen=True, eq=False)
class Counted:
    """The rows that counted in a frame-mAP, as arrays; M of ground truth and N detections.

    Attributes:
        column: (M,) and (N,) columns of the class in the class map.
        keyframe: (M,) and (N,) numbers of the keyframe.
        box: (M, 4) and (N, 4).
        hit: (N,) bool.
        taken: (N,) int64, position among the M that a hit has taken, else -1.
        score: (N,)
    """

    column: tuple[np.ndarray, np.ndarray]
    keyframe: tuple[np.ndarray, np.ndarray]
    box: tuple[np.ndarray, np.ndarray]
    hit: np.ndarray
    taken: np.ndarray
    score: np.ndarray


def counted(
    ground_truth: pd.DataFrame, detections: pd.DataFrame, class_map: ClassMap, result: FrameMap
) -> Counted:
    """The rows of both tables that counted, detections in the order of their ranking.

    Args:
        ground_truth: as given to `frame_map`.
        detections: likewise.
        class_map: likewise.
        result: what it returned.
    """
    rows = np.flatnonzero(result.outcome != LEFT_OUT)
    columns = class_map.indexes(np.asarray(detections["action"])[rows])
    score = np.asarray(detections["score"])[rows]
    order = np.lexsort((-score, columns))
    rows, score, columns = rows[order], score[order], columns[order]
    truth, found = ground_truth[result.counted], detections.iloc[rows]
    position = np.cumsum(result.counted) - 1
    taken = result.taken[rows]
    there, here = number_keyframes([truth, found])
    return Counted(
        column=(class_map.indexes(np.asarray(truth["action"])), columns),
        keyframe=(there, here),
        box=(np.asarray(truth[BOX], np.float64), np.asarray(found[BOX], np.float64)),
        hit=result.outcome[rows] == HIT,
        taken=np.where(taken >= 0, position[taken], -1),
        score=score,
    )


def of_classes(rows: Counted, kept: np.ndarray) -> Counted:
    """The rows of the classes where `kept` (K,) is true, with new numbers of columns."""
    if kept.all():
        return rows
    column = np.cumsum(kept) - 1
    truth, found = (kept[columns] for columns in rows.column)
    position = np.where(truth, np.cumsum(truth) - 1, -1)
    taken = rows.taken[found]
    return Counted(
        column=(column[rows.column[0][truth]], column[rows.column[1][found]]),
        keyframe=(rows.keyframe[0][truth], rows.keyframe[1][found]),
        box=(rows.box[0][truth], rows.box[1][found]),
        hit=rows.hit[found],
        taken=np.where(taken >= 0, position[taken], -1),
        score=rows.score[found],
    )


def by_size(rows: Counted, classes: int) -> dict[str, Part]:
    """Mean AP over people of a size, as COCO does it.

    People of other sizes are neither to be found nor false: a detection that takes one of them does
    not count, and neither does a false detection whose own box is of another size.
    """
    there, here = area(rows.box[0]), area(rows.box[1])
    size = np.where(rows.hit, there[rows.taken] if len(there) else 0, here)
    return {
        name: _part(rows, (low <= there) & (there < high), (low <= size) & (size < high), classes)
        for name, (low, high) in SIZES.items()
    }


def by_crowd(rows: Counted, classes: int) -> dict[str, Part]:
    """Mean AP over the keyframes on which so many people are annotated with a class that counts.

    Detections on keyframes without any are in none of the parts.
    """
    person = np.concatenate([rows.keyframe[0][:, None], rows.box[0]], axis=1)
    keyframes, people = np.unique(np.unique(person, axis=0)[:, 0], return_counts=True)
    there, here = (_looked_up(keyframes, people, numbers) for numbers in rows.keyframe)
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


def _part(rows: Counted, truth: np.ndarray, found: np.ndarray, classes: int) -> Part:
    """The figures of some of the rows, by masks (M,) and (N,)."""
    positives = np.bincount(rows.column[0][truth], minlength=classes)
    column, hit = rows.column[1][found], rows.hit[found]
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


def score_histograms(
    rows: Counted, names: Sequence[str]
) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Histograms of the scores of true and of false detections.

    Returns:
        (BINS + 1,) edges, from the least score or 0 to the greatest or 1; and for each class that
        has a detection how many (BINS,) true and (BINS,) false ones fall between them.
    """
    low = min(0.0, float(rows.score.min(initial=0)))
    edges = np.linspace(low, max(1.0, float(rows.score.max(initial=1))), BINS + 1)
    place = np.searchsorted(edges, rows.score, "right").clip(1, BINS) - 1
    counts = np.zeros((len(names), 2, BINS), np.int64)
    np.add.at(counts, (rows.column[1], rows.hit.astype(int), place), 1)
    spread = {name: (counts[k, 1], counts[k, 0]) for k, name in enumerate(names) if counts[k].any()}
    return edges, spread


def confusion(rows: Counted, classes: int, iou_threshold: float) -> np.ndarray:
    """Count the actions of people for whom another class is detected.

    Of each class the false detections among its n best count, n being how often it is annotated:
    those that a perfect ranking would not have. Each goes to the annotated person that it overlaps
    best, if by `iou_threshold`: to the class itself where that person does it and was found before,
    otherwise in equal shares to all that the person does.

    Returns:
        (K, K + 1) float64: detected class (row) by annotated class (column); the last column is
        where nobody is.
    """
    positives = np.bincount(rows.column[0], minlength=classes)
    start = np.searchsorted(rows.column[1], np.arange(classes))
    rank = np.arange(len(rows.column[1])) - start[rows.column[1]]
    wrong = np.flatnonzero(~rows.hit & (rank < positives[rows.column[1]]))
    first, person = _people(rows)
    key = rows.keyframe[0][first]
    matrix = np.zeros((classes, classes + 1))
    nearest = _nearest(key, rows.box[0][first], rows.keyframe[1][wrong], rows.box[1][wrong])
    there = nearest[1] >= iou_threshold
    matrix[:, classes] = np.bincount(rows.column[1][wrong[~there]], minlength=classes)
    does = np.zeros((len(first), classes))
    does[person, rows.column[0]] = 1
    column, does = rows.column[1][wrong[there]], does[nearest[0][there]]
    again = does[np.arange(len(does)), column] > 0
    does[again] = np.eye(classes)[column[again]]
    np.add.at(matrix[:, :classes], column, does / does.sum(axis=1, keepdims=True))
    return matrix


def _people(rows: Counted) -> tuple[np.ndarray, np.ndarray]:
    """(P,) one row of each person, sorted by keyframe, and (M,) the person of each row."""
    keyed = np.concatenate([rows.keyframe[0][:, None], rows.box[0]], axis=1)
    _, first, person = np.unique(keyed, axis=0, return_index=True, return_inverse=True)
    return first, person.reshape(-1)


def _nearest(
    keys: np.ndarray, boxes: np.ndarray, asked: np.ndarray, asked_boxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) position of the box of the same key that each asked one overlaps best, and by how much.

    Args:
        keys: (P,) sorted.
        boxes: (P, 4)
        asked: (N,) keys.
        asked_boxes: (N, 4)
    """
    start, end = (np.searchsorted(keys, asked, side) for side in ("left", "right"))
    best, overlap = np.zeros(len(asked), np.int64), np.zeros(len(asked))
    for turn in range(int((end - start).max(initial=0))):
        active = np.flatnonzero(start + turn < end)
        iou = paired_iou(asked_boxes[active], boxes[start[active] + turn])
        better = iou > overlap[active]
        best[active[better]] = start[active[better]] + turn
        overlap[active[better]] = iou[better]
    return best, overlap
