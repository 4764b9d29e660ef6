"""`metrics.json`, the log of a run as detectron2's JSONWriter keeps it: one object a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.csv_file import text_lines
from ava_det.structures import InputError


def read_metrics(path: StrPath) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the curves of a run.

    If a restarted run repeated an iteration, its last line counts. A last line that was cut short,
    because the run was killed, is ignored.

    Returns:
        For each figure the iterations (n,), ascending, and the values (n,).

    Raises:
        InputError: A line is not an object with a number `iteration`.
    """
    curves: dict[str, dict[int, float]] = {}
    for iteration, row in _rows(path):
        for name, value in row.items():
            if isinstance(value, int | float):
                curves.setdefault(name, {})[iteration] = float(value)
    return {
        name: (np.array(sorted(curve)), np.array([curve[k] for k in sorted(curve)]))
        for name, curve in curves.items()
    }


def cut_metrics(path: Path, end: int) -> None:
    """Remove the iterations from `end` on, which a resumed run repeats.

    Several lines of one iteration become one, as `read_metrics` reads them. A last line that was
    cut short is removed. If the log does not exist, nothing is written.

    Raises:
        InputError: As for `read_metrics`.
    """
    if not path.exists():
        return
    kept: dict[int, dict[str, Any]] = {}
    for iteration, row in _rows(path):
        if iteration < end:
            kept.setdefault(iteration, {}).update(row)
    with atomic_text(path) as file:
        for iteration, row in kept.items():
            file.write(json.dumps({**row, "iteration": iteration}, sort_keys=True) + "\n")


def _rows(path: StrPath) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the iteration and the other values of each line."""
    lines = [line.strip() for line in text_lines(path)]
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            iteration = int(row.pop("iteration"))
            if not 0 <= iteration < 2**53:
                raise ValueError("no number of an iteration")
            row = {k: float(v) if isinstance(v, int | float) else v for k, v in row.items()}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            if number == len(lines):
                return
            raise InputError(f"{path}: row {number}: not a line of a training log") from None
        yield iteration, row
