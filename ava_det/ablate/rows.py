"""Stores the results of a grid in a small csv with a row for each finished run.

The file can be committed and continued on another machine. Columns: arm, seed, recipe (hash of the
commands), the last value of each figure, `best` and `curve` of a figure that was logged during the
run ("step:value" joined by spaces), steps, seconds, config (hash of the resolved configs), commit,
machine, finished.
"""

import csv
import fcntl
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.csv_file import csv_rows, shown
from ava_det.structures import InputError

KEY = ("arm", "seed", "recipe")
Key = tuple[str, str, str]  # their values
Row = dict[str, str]


def key_of(row: Mapping[str, str]) -> Key:
    """Return the key of a row: arm, seed and recipe."""
    arm, seed, recipe = (row[name] for name in KEY)
    return arm, seed, recipe


def read_rows(path: StrPath, figures: Sequence[str] = ()) -> list[Row]:
    """Read the rows of a file. The first row of a key counts.

    The list is empty if the file does not exist.

    Args:
        path: The csv file.
        figures: The columns that must hold a finite number in every row.

    Raises:
        InputError: A column is missing, a row is too short or long, or a figure is not a number.
    """
    if not Path(path).exists():
        return []
    rows: dict[Key, Row] = {}
    found = csv_rows(path)
    _, header = next(found, (1, []))
    names = [name.strip() for name in header]
    lacking = [name for name in (*KEY, *figures) if name not in names]
    if lacking:
        raise InputError(f"{path}: row 1: no column {', '.join(lacking)}")
    if len(set(names)) < len(names):
        raise InputError(f"{path}: row 1: two columns have the same name")
    for number, fields in found:
        if not fields:
            continue
        if len(fields) != len(names):
            raise InputError(f"{path}: row {number}: not as many columns as the header has")
        row = dict(zip(names, fields, strict=True))
        _check(f"{path}: row {number}", row, figures)
        rows.setdefault(key_of(row), row)
    return list(rows.values())


def _check(where: str, row: Row, figures: Sequence[str]) -> None:
    for name in figures:
        try:
            fine = np.isfinite(float(row[name]))
        except ValueError:
            fine = False
        if not fine:
            raise InputError(f"{where}: {name} {shown(row[name])} is not a number")
    if not row["seed"].isdecimal():
        raise InputError(f"{where}: seed {shown(row['seed'])} is not a number")


def add_row(path: StrPath, row: Row) -> None:
    """Add a row to a file. Several processes may do this at once.

    The file gets the columns of the row that it lacks.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        rows = [*read_rows(path), row]
        columns = dict.fromkeys(name for one in rows for name in one)
        with atomic_text(path) as file:
            writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def write_curve(steps: np.ndarray, values: np.ndarray) -> str:
    """Return a curve as the text of a cell.

    >>> write_curve(np.array([99, 199]), np.array([5.0, 12.25]))
    '99:5 199:12.25'
    """
    return " ".join(f"{s}:{v:.6g}" for s, v in zip(steps.tolist(), values.tolist(), strict=True))


def read_curve(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) int steps and (n,) float values of a cell.

    Raises:
        InputError: A piece is not "step:value".
    """
    try:
        pairs = [piece.split(":") for piece in text.split()]
        return (
            np.array([int(step) for step, _ in pairs], np.int64),
            np.array([float(value) for _, value in pairs]),
        )
    except (ValueError, OverflowError):
        raise InputError(f"{text[:40]!r} is not a curve, step:value step:value ...") from None
