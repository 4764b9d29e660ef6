"""How well each keyframe went, to look at the best and the worst."""

import numpy as np
import pandas as pd

from ava_det.evaluation.average_precision import average_precision
from ava_det.evaluation.frame_map import FrameMap


def keyframe_precision(ground_truth: pd.DataFrame, result: FrameMap) -> pd.DataFrame:
    """The average precision of each keyframe by itself, its classes in one ranking.

    Args:
        ground_truth: the table that was given to `frame_map`.
        result: what `frame_map` returned.

    Returns:
        A row per keyframe with ground truth that counted: video, tick, labels (how many) and ap.
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
    """The `count` best and the `count` worst rows of what `keyframe_precision` returns.

    Of equal ones those with more labels come first, and as many videos as possible are shown. What
    is perfect or among the best is not among the worst.
    """
    best = _spread(precision.sort_values(["ap", "labels"], ascending=[False, False]), count)
    rest = precision[(precision["ap"] < 1) & ~precision.index.isin(best.index)]
    return best, _spread(rest.sort_values(["ap", "labels"], ascending=[True, False]), count)


def _spread(ordered: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first rows of every video, then the second ones and so on, up to `count`."""
    turn = ordered.groupby("video", observed=True, sort=False).cumcount()
    return ordered.loc[turn.sort_values(kind="stable").index[:count]]
