"""Computes average precision over all points of the monotone envelope, as VOC and AVA do."""

import numpy as np


def precision_recall(hits: np.ndarray, positives: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the precision-recall curve of a ranking.

    Args:
        hits: (N,) bool: whether each detection is true, in order of descending score.
        positives: The number of annotated boxes, at least 1.

    Returns:
        (N,) precision and (N,) recall after each detection.
    """
    found = np.cumsum(hits)
    return found / np.arange(1, len(hits) + 1), found / positives


def envelope(precision: np.ndarray) -> np.ndarray:
    """Return (N,) the best precision at this or any later point, which makes a curve monotone."""
    return np.maximum.accumulate(precision[::-1])[::-1]


def average_precision(hits: np.ndarray, positives: int) -> float:
    """Return the area under the envelope of the precision-recall curve.

    See `precision_recall` for the arguments.

    Recall moves by 1 / positives at each hit and stands still otherwise, so the area is the sum of
    the envelope at the hits, over the positives.

    >>> average_precision(np.array([True, False, True]), positives=2)
    0.8333333333333333
    """
    precision, _ = precision_recall(hits, positives)
    return float(envelope(precision)[hits].sum() / positives)
