"""Rare classes more often: how often each record of a training set is drawn.

Repeat factors are those of Gupta et al., "LVIS", CVPR 2019, appendix B.2, on keyframes or videos in
place of images.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ava_det.data.keyframes import PackedKeyframes
from ava_det.structures import LabelledVideo


def repeat_factors(records: Sequence[Any], threshold: float) -> np.ndarray:
    """How many times as often as the others a record with rare classes is drawn.

    A class on a share f of the records has the factor max(1, sqrt(threshold / f)); a record has the
    largest factor of its classes, and 1 without any.

    Args:
        records: `AnnotatedKeyframe`s or `LabelledVideo`s.
        threshold: the share of the records below which a class is rare.

    Returns:
        (N,) float64, 1 and more.
    """
    record_of, classes = _occurrences(records)
    counts = np.bincount(classes)
    factor = np.ones(len(counts))
    there = counts > 0
    factor[there] = np.maximum(1.0, np.sqrt(threshold * len(records) / counts[there]))
    factors = np.ones(len(records))
    np.maximum.at(factors, record_of, factor[classes])
    return factors


def _occurrences(records: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Each pair, once, of a record's index and a class on it: (M,) and (M,)."""
    if isinstance(records, PackedKeyframes):
        pairs = np.column_stack(records.occurrences())
    else:
        classes = [(i, c) for i, record in enumerate(records) for c in _classes_of(record)]
        pairs = np.array(classes, np.int64).reshape(-1, 2)
    first, second = np.unique(pairs, axis=0).T
    return first, second


def _classes_of(record: Any) -> set[int]:
    if isinstance(record, LabelledVideo):
        return {record.label}
    return {action for actions in record.people.actions for action in actions}
