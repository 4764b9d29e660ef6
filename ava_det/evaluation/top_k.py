"""Computes the accuracy of recognition."""

import numpy as np


def hits(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Return (N,) bool: whether the label of a clip is among the k highest scores.

    A tie counts as a miss, so that a constant score is no hit. A score of NaN is a miss too.

    Args:
        scores: (N, K) scores of any scale.
        labels: (N,) 0-based classes.
        k: The number of classes that count; all K if it is larger.
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    beaten_by = (~(scores < own)).sum(axis=1) - 1
    return (beaten_by < min(k, scores.shape[1])) & ~np.isnan(own[:, 0])


def top_k_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Return the share of clips whose label is among the k highest scores; nan without clips.

    `hits` defines which clips count.

    >>> top_k_accuracy(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), np.array([0, 1]), 1)
    0.5
    """
    return float(hits(scores, labels, k).mean()) if len(scores) else float("nan")
