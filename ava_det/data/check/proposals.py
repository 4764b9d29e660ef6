"""Check that person boxes fit the annotations."""

from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.data.check.findings import Findings
from ava_det.data.check.rows import place_of


def check_proposals(
    path: Path | str,
    proposals: pd.DataFrame,
    table: pd.DataFrame,
    counts: np.ndarray,
    findings: Findings,
) -> None:
    """Check that person boxes are on annotated keyframes, and on all keyframes that count.

    Args:
        path: The file of the boxes, for messages.
        proposals: The boxes, from `ava_det.formats.proposals`.
        table: The annotations.
        counts: (N,) bool: the annotations that a loader keeps.
        findings: The collection to add findings to.
    """

    def keys(rows: pd.DataFrame) -> pd.MultiIndex:
        return pd.MultiIndex.from_arrays([rows["video"].astype("str"), rows["tick"]])

    def row(rows: pd.DataFrame, place: int) -> tuple[int | None, str]:
        found = rows.iloc[place]
        return place_of(rows, place)[0], f"{found['video']}, tick {found['tick']}"

    boxed = proposals[proposals["x1"].notna()]
    wrong = np.flatnonzero(~boxed["score"].between(0, 1))
    findings.add_many("score", path, wrong, lambda k: row(boxed, k))
    unmatched = ~keys(boxed).isin(keys(table))
    if len(boxed) and unmatched.all():
        findings.add("no_match", path, row(boxed, 0)[1], row(boxed, 0)[0])
        return
    findings.add_many("unmatched", path, np.flatnonzero(unmatched), lambda k: row(boxed, k))
    people = table[counts & table["x1"].notna()].drop_duplicates(["video", "tick"])
    without = np.flatnonzero(~keys(people).isin(keys(boxed)))
    findings.add_many("uncovered", path, without, lambda k: (None, row(people, k)[1]))
