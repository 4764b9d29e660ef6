"""Where an evaluation loses: how scores are spread, which actions are mistaken, where nobody is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ava_det.evaluation.matching import Matches, paired_iou

BINS = 20  # of the histograms of scores


def of_classes(rows: Matches, kept: np.ndarray) -> Matches:
    """The rows of the classes where `kept` (K,) holds, whose columns are numbered anew."""
    if kept.all():
        return rows
    column = np.cumsum(kept) - 1
    truth, found = kept[rows.truth.column], kept[rows.found.column]
    position, taken = np.cumsum(truth) - 1, rows.taken[found]
    return replace(
        rows,
        truth=replace(rows.truth[truth], column=column[rows.truth.column[truth]]),
        found=replace(rows.found[found], column=column[rows.found.column[found]]),
        score=rows.score[found],
        hit=rows.hit[found],
        # What a detection has found is of its class, and kept with it.
        taken=np.where(taken >= 0, position[taken], -1),
    )


def score_histograms(
    rows: Matches, names: Sequence[str]
) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """How scores of true and of false detections are spread.

    Returns:
        (BINS + 1,) edges, from the least score or 0 to the greatest or 1; and for each class that
        has a detection how many (BINS,) true and (BINS,) false ones fall between them.
    """
    low = min(0.0, float(rows.score.min(initial=0)))
    edges = np.linspace(low, max(1.0, float(rows.score.max(initial=1))), BINS + 1)
    place = np.searchsorted(edges, rows.score, "right").clip(1, BINS) - 1
    counts = np.zeros((len(names), 2, BINS), np.int64)
    np.add.at(counts, (rows.found.column, rows.hit.astype(int), place), 1)
    spread = {name: (counts[k, 1], counts[k, 0]) for k, name in enumerate(names) if counts[k].any()}
    return edges, spread


def confusion(rows: Matches, classes: int, iou_threshold: float) -> np.ndarray:
    """What people do where a class is detected falsely.

    Of each class the false detections among its n best count, n being how often it is annotated:
    those that a perfect ranking would not have. Each goes to the annotated person that it overlaps
    best, if by `iou_threshold`: to the class itself where that person does it and was found before,
    otherwise in equal shares to all that the person does.

    Returns:
        (K, K + 1) float64: detected class (row) by annotated class (column); the last column is
        where nobody is.
    """
    positives = np.bincount(rows.truth.column, minlength=classes)
    start = np.searchsorted(rows.found.column, np.arange(classes))
    rank = np.arange(len(rows.found.column)) - start[rows.found.column]
    wrong = np.flatnonzero(~rows.hit & (rank < positives[rows.found.column]))
    first, person = _people(rows)
    key = rows.truth.keyframe[first]
    matrix = np.zeros((classes, classes + 1))
    nearest = _nearest(
        key, rows.truth.box[first], rows.found.keyframe[wrong], rows.found.box[wrong]
    )
    there = nearest[1] >= iou_threshold
    matrix[:, classes] = np.bincount(rows.found.column[wrong[~there]], minlength=classes)
    does = np.zeros((len(first), classes))
    does[person, rows.truth.column] = 1
    column, does = rows.found.column[wrong[there]], does[nearest[0][there]]
    again = does[np.arange(len(does)), column] > 0
    does[again] = np.eye(classes)[column[again]]
    np.add.at(matrix[:, :classes], column, does / does.sum(axis=1, keepdims=True))
    return matrix


def _people(rows: Matches) -> tuple[np.ndarray, np.ndarray]:
    """(P,) a row of each annotated person, sorted by keyframe, and (M,) whose each row is."""
    keyed = np.concatenate([rows.truth.keyframe[:, None], rows.truth.box], axis=1)
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
