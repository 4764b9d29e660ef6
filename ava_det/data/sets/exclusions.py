"""Finds the rows of keyframes that are not excluded; needs numpy and pandas alone."""

from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.formats.ava_csv import read_keyframes, read_timestamps
from ava_det.structures import InputError


def existing(path: Path) -> Path:
    """Return the path, or the path with `.gz`, whichever is a file."""
    packed = path.with_name(f"{path.name}.gz")
    for candidate in (path, packed):
        if candidate.is_file():
            return candidate
    raise InputError(f"{path}: no such file; see datasets/README.md")


def countable(table: pd.DataFrame, excluded: Path | None, included: Path | None) -> np.ndarray:
    """Return (N,) bool: the rows whose keyframe is not excluded and whose tick is included."""
    counts = np.ones(len(table), bool)
    if included is not None:
        counts &= table["tick"].isin(read_timestamps(existing(included))).to_numpy()
    if excluded is not None:
        left_out = {(k.video, k.tick) for k in read_keyframes(existing(excluded))}
        some = table["tick"].isin({tick for _, tick in left_out}).to_numpy() & counts
        rows = np.flatnonzero(some)
        pairs = zip(table["video"].iloc[rows], table["tick"].iloc[rows].tolist(), strict=True)
        counts[rows] = [pair not in left_out for pair in pairs]
    return counts
