"""Accuracy of recognition."""

import numpy as np


def top_k_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of clips whose label is among the k highest scores; nan for no clip.

    Args:
        scores: (N, K), any scale.
        labels: (N,) 0-based classes.
        k: how many classes count; all K if it is larger.

    >>> top_k_accuracy(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), np.array([0, 1]), 1)
    0.5
    """
    if not len(scores):
        return float("nan")
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    # Ties count as misses, so that a constant score is not a hit.
    beaten_by = (scores >= own).sum(axis=1) - 1
    return float((beaten_by < min(k, scores.shape[1])).mean())
