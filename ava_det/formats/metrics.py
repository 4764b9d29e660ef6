"""`metrics.json`, the log of a run as detectron2's JSONWriter keeps it: one object a line."""

import json

import numpy as np

from ava_det.formats.atomic import StrPath
from ava_det.formats.csv_file import text_lines
from ava_det.structures import InputError


def read_metrics(path: StrPath) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the curves of a run.

    An iteration that was run again after a restart counts as it was last. A last line that a kill
    has cut short is passed over.

    Returns:
        For each figure (n,) iterations, ascending, and (n,) values.

    Raises:
        InputError: a line that is no object with a number `iteration`.
    """
    curves: dict[str, dict[int, float]] = {}
    lines = [line.strip() for line in text_lines(path)]
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            iteration = int(row.pop("iteration"))
            if not 0 <= iteration < 2**53:
                raise ValueError("no number of an iteration")
            figures = {k: float(v) for k, v in row.items() if isinstance(v, int | float)}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            if number == len(lines):
                break
            raise InputError(f"{path}: row {number}: not a line of a training log") from None
        for name, value in figures.items():
            curves.setdefault(name, {})[iteration] = value
    return {
        name: (np.array(sorted(curve)), np.array([curve[k] for k in sorted(curve)]))
        for name, curve in curves.items()
    }
