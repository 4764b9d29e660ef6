"""Counts the annotated people that a list of person boxes covers, at every score threshold.

This shows the share of the action detection error that the person detector causes: a person without
a proposal has no action.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.boxes import iou
from ava_det.formats.ava_rows import BOX

IOUS = (0.5, 0.75, 0.9)
SCORES = (0.0, 0.5, 0.8, 0.9)


@dataclass(frozen=True, eq=False)
class ProposalRecall:
    """The people that a list of boxes covers. S score thresholds, U IoU thresholds.

    Attributes:
        scores: (S,) the lowest score of a proposal.
        ious: (U,) the smallest overlap with which a person counts as covered.
        recall: (S, U) the share of the annotated people, in [0, 1].
        boxes: (S,) the number of proposals that count, on annotated keyframes. Rows with an
            identical box on a keyframe count as one, for proposals and for people.
        people: The number of annotated people.
        keyframes: The number of annotated keyframes, including empty ones.
        unlisted: The number of proposals on keyframes that are not annotated. They do not count.
    """

    scores: np.ndarray
    ious: np.ndarray
    recall: np.ndarray
    boxes: np.ndarray
    people: int
    keyframes: int
    unlisted: int

    def table(self) -> pd.DataFrame:
        """Return a row per score threshold: proposals, proposals per keyframe, recall by IoU."""
        columns = {
            "score": self.scores,
            "boxes": self.boxes,
            "per keyframe": self.boxes / max(self.keyframes, 1),
        }
        columns |= {f"recall@{u:g}": self.recall[:, k] for k, u in enumerate(self.ious)}
        return pd.DataFrame(columns)


def proposal_recall(
    truth: pd.DataFrame,
    proposals: pd.DataFrame,
    ious: Sequence[float] = IOUS,
    scores: Sequence[float] = SCORES,
    most: int | None = None,
) -> ProposalRecall:
    """Measure which annotated people a list of boxes covers.

    Args:
        truth: The annotations, in the columns of `ava_det.formats.ava_csv`.
        proposals: The person boxes, in the same columns.
        ious: The smallest overlaps with which a person counts as covered.
        scores: The lowest scores of a proposal.
        most: The number of proposals that count on a keyframe: those with the highest scores (the
            first ones of equal scores). None counts all.

    Raises:
        ValueError: Nobody is annotated.
    """
    keys = _keys(truth, proposals)
    people = pd.DataFrame(truth[BOX].to_numpy(), columns=BOX).assign(key=keys[0])
    annotated = np.unique(keys[0])
    people = people.dropna().drop_duplicates()
    if people.empty:
        raise ValueError("no annotated person to compare with")
    found = pd.DataFrame(proposals[[*BOX, "score"]].to_numpy(np.float64), columns=[*BOX, "score"])
    # Stable, so that of equal scores the first in the file stays ahead.
    found = found.assign(key=keys[1]).dropna().sort_values("score", ascending=False, kind="stable")
    # A list with labels (PySlowFast's) has a row per box and label.
    found = found.drop_duplicates(["key", *BOX])
    listed = found["key"].isin(annotated)
    unlisted = int((~listed).sum())
    found = found[listed]
    if most is not None:
        found = found[found.groupby("key").cumcount() < most]
    levels = np.sort(np.asarray(scores, np.float64))
    best = _best_overlaps(people, found, levels)
    recall = (best[..., None] >= np.asarray(ious)).mean(axis=0)
    counts = (found["score"].to_numpy()[:, None] >= levels).sum(axis=0)
    return ProposalRecall(
        levels, np.asarray(ious), recall, counts, len(people), len(annotated), unlisted
    )


def _keys(truth: pd.DataFrame, proposals: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) and (M,) int64: one number per keyframe, the same in both tables."""
    both = pd.concat([truth[["video", "tick"]], proposals[["video", "tick"]]])
    videos = pd.factorize(both["video"].astype(object))[0]
    keys = pd.factorize(pd.Series(videos.astype(np.int64) << 40) + both["tick"].to_numpy())[0]
    return keys[: len(truth)], keys[len(truth) :]


def _best_overlaps(people: pd.DataFrame, found: pd.DataFrame, levels: np.ndarray) -> np.ndarray:
    """Return (R, S) the best IoU of each person with a proposal of at least each score level."""
    people = people.sort_values("key", kind="stable")
    found = found.sort_values("key", kind="stable")
    boxes, proposed = people[BOX].to_numpy(), found[BOX].to_numpy()
    scores, keys = found["score"].to_numpy(), people["key"].to_numpy()
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    lasts = np.append(firsts[1:], len(keys))
    starts = np.searchsorted(found["key"].to_numpy(), keys[firsts], "left")
    ends = np.searchsorted(found["key"].to_numpy(), keys[firsts], "right")
    best = np.zeros((len(people), len(levels)))
    for first, last, start, end in zip(firsts, lasts, starts, ends, strict=True):
        if start < end:
            overlaps = iou(boxes[first:last], proposed[start:end])[:, None]
            enough = scores[start:end] >= levels[:, None]
            best[first:last] = (overlaps * enough).max(axis=-1)
    return best
