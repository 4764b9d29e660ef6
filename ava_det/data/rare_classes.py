"""Draw records with rare classes more often.

The repeat factors are those of Gupta et al., "LVIS", CVPR 2019, appendix B.2, for keyframes or
videos instead of images.
"""

from typing import Any

import numpy as np

from ava_det.data.sets.records import Records


def repeat_factors(records: Records[Any], threshold: float) -> np.ndarray:
    """Return how often to draw each record, relative to a record without rare classes.

    A class on a share f of the records has the factor max(1, sqrt(threshold / f)). A record has the
    largest factor of all classes on it, or 1 if it has no class.

    Args:
        records: The records of a training set.
        threshold: A class on a smaller share of the records is rare.

    Returns:
        (N,) float64, at least 1.
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
