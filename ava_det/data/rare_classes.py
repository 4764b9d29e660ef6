"""Rare classes more often: how often each record of a training set is drawn.

Repeat factors are those of Gupta et al., "LVIS", CVPR 2019, appendix B.2, on keyframes or videos in
place of images.
"""

from typing import Any

import numpy as np

from ava_det.data.sets.records import Records


def repeat_factors(records: Records[Any], threshold: float) -> np.ndarray:
    """How many times as often as the others a record with rare classes is drawn.

    A class on a share f of the records has the factor max(1, sqrt(threshold / f)); a record has the
    largest factor of its classes, and 1 without any.

    Args:
        records: of a training set.
        threshold: the share of the records below which a class is rare.

    Returns:
        (N,) float64, 1 and more.
    """
    pairs = np.unique(np.column_stack(records.occurrences()), axis=0)  # each once
    record_of, classes = pairs.T
    counts = np.bincount(classes)
    factor = np.ones(len(counts))
    there = counts > 0
    factor[there] = np.maximum(1.0, np.sqrt(threshold * len(records) / counts[there]))
    factors = np.ones(len(records))
    np.maximum.at(factors, record_of, factor[classes])
    return factors
