"""Shows where an evaluation loses: scores of false detections, mistaken actions, empty places."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ava_det.evaluation.matching import Matches, paired_iou

BINS = 20  # of the histograms of scores


def of_classes(rows: Matches, kept: np.ndarray) -> Matches:
    """Return the rows of the classes where `kept` (K,) is true, with renumbered columns."""
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
        # A hit and the row that it has taken have one class, so both are kept or dropped.
        taken=np.where(taken >= 0, position[taken], -1),
    )


def score_histograms(
    rows: Matches, names: Sequence[str]
) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Return histograms of the scores of true and of false detections.

    Returns:
        (BINS + 1,) edges, from the lowest score or 0 to the highest score or 1; and for each class
        with detections the numbers of true (BINS,) and false (BINS,) detections between the edges.
    """
    low = min(0.0, float(rows.score.min(initial=0)))
    edges = np.linspace(low, max(1.0, float(rows.score.max(initial=1))), BINS + 1)
    place = np.searchsorted(edges, rows.score, "right").clip(1, BINS) - 1
    counts = np.zeros((len(names), 2, BINS), np.int64)
    np.add.at(counts, (rows.found.column, rows.hit.astype(int), place), 1)
    spread = {name: (counts[k, 1], counts[k, 0]) for k, name in enumerate(names) if counts[k].any()}
    return edges, spread


def confusion(rows: Matches, classes: int, iou_threshold: float) -> np.ndarray:
    """Count the actions of people for whom another class is detected.

    For a class with n annotations, the false detections among the n best count: a perfect ranking
    would have none. Each false detection is assigned to the annotated person that it overlaps most,
    if the overlap reaches `iou_threshold`. If the person does the detected action, an earlier
    detection has found the person, and the detection counts for the class itself. Otherwise it
    counts in equal shares for all actions of the person.

    Returns:
        (K, K + 1) float64: detected class (row) by annotated class (column); the last column is
        for places without a person.
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
    """Return (P,) one row of each person, sorted by keyframe, and (M,) the person of each row."""
    keyed = np.concatenate([rows.truth.keyframe[:, None], rows.truth.box], axis=1)
    _, first, person = np.unique(keyed, axis=0, return_index=True, return_inverse=True)
    return first, person.reshape(-1)


def _nearest(
    keys: np.ndarray, boxes: np.ndarray, asked: np.ndarray, asked_boxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the best overlapping box of the same key for each query box.

    Returns (N,) the position of the box and (N,) the overlap.

    Args:
        keys: (P,) sorted keys.
        boxes: (P, 4) boxes.
        asked: (N,) keys of the query boxes.
        asked_boxes: (N, 4) query boxes.
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
