"""Finds the keyframes with the best and the worst detections."""

import numpy as np
import pandas as pd

from ava_det.evaluation.average_precision import average_precision
from ava_det.evaluation.frame_map import FrameMap


def keyframe_precision(ground_truth: pd.DataFrame, result: FrameMap) -> pd.DataFrame:
    """Return the average precision of each keyframe, with all classes in one ranking.

    Args:
        ground_truth: The table that was given to `frame_map`.
        result: The result of `frame_map`.

    Returns:
        A row per keyframe with ground truth that counted, with the columns video, tick, labels (the
        number of labels) and ap.
    """
    rows = result.rows
    there, here = rows.truth.keyframe, rows.found.keyframe
    keyframes, first, labels = np.unique(there, return_index=True, return_counts=True)
    order = np.lexsort((rows.found.row, -rows.score, here))
    hits = rows.hit[order]
    start = np.searchsorted(here[order], keyframes, "left")
    end = np.searchsorted(here[order], keyframes, "right")
    table = ground_truth.iloc[rows.truth.row[first].tolist()][["video", "tick"]].reset_index(
        drop=True
    )
    table["labels"] = labels
    table["ap"] = [
        average_precision(hits[a:b], count) for a, b, count in zip(start, end, labels, strict=True)
    ]
    return table


def best_and_worst(precision: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the `count` best and the `count` worst rows of the result of `keyframe_precision`.

    Of equal ones those with more labels come first, and as many videos as possible are shown. What
    is perfect or among the best is not among the worst.
    """
    best = _spread(precision.sort_values(["ap", "labels"], ascending=[False, False]), count)
    rest = precision[(precision["ap"] < 1) & ~precision.index.isin(best.index)]
    return best, _spread(rest.sort_values(["ap", "labels"], ascending=[True, False]), count)


def _spread(ordered: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the first rows of every video, then the second ones and so on, up to `count`."""
    turn = ordered.groupby("video", observed=True, sort=False).cumcount()
    return ordered.loc[turn.sort_values(kind="stable").index[:count]]
