"""A csv of one box a row, as JHMDB's and UCF101-24's annotations lie here."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ava_det.structures import InputError


def read_box_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a csv whose header is `columns`; what is in them is the caller's to check.

    Raises:
        InputError: it cannot be read, or has another header.
    """
    try:
        table = pd.read_csv(path)
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; datasets/README.md says what goes here"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    if list(table.columns) != list(columns):
        raise InputError(f"{path}: row 1: columns are {list(table.columns)}, not {list(columns)}")
    return table
