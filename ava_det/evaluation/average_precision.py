"""Average precision over all points, with the monotone envelope: Pascal VOC's since 2010, AVA's."""

import numpy as np


def precision_recall(hits: np.ndarray, positives: int) -> tuple[np.ndarray, np.ndarray]:
    """The curve of a ranking.

    Args:
        hits: (N,) bool, whether each detection is true, in order of descending score.
        positives: the number of annotated boxes, at least 1.

    Returns:
        (N,) precision and (N,) recall after each detection.
    """
    found = np.cumsum(hits)
    return found / np.arange(1, len(hits) + 1), found / positives


def envelope(precision: np.ndarray) -> np.ndarray:
    """(N,) the best precision at this or any later point, which makes a curve monotone."""
    return np.maximum.accumulate(precision[::-1])[::-1]


def average_precision(hits: np.ndarray, positives: int) -> float:
    """Area under the envelope of the precision-recall curve; arguments as `precision_recall`.

    Recall moves by 1 / positives at each hit and stands still otherwise, so the area is the sum of
    the envelope at the hits, over the positives.

    >>> average_precision(np.array([True, False, True]), positives=2)
    0.8333333333333333
    """
    precision, _ = precision_recall(hits, positives)
    return float(envelope(precision)[hits].sum() / positives)
