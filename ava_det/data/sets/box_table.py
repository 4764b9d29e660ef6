"""A csv of one box a row, as JHMDB's and UCF101-24's annotations lie here."""

import math
import warnings
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.formats.atomic import open_text
from ava_det.formats.csv_file import csv_rows, find_columns, most_rows
from ava_det.formats.errors import naming
from ava_det.structures import InputError

MOST_ROWS = 10_000_000  # UCF101-24 has 460,000
_TEXT = ("video", "action")
_WHOLE = ("frame", "tube")
_LARGEST = 2**31  # frames and tubes lie below


def read_box_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a csv whose header line names the columns, in any order; further ones are passed over.

    What is in them is the caller's to check, by `numbers_of`.

    Returns:
        The columns, `video` and `action` as text; its n-th row is row n + 1 of the file, where rows
        count from 1.

    Raises:
        InputError: it cannot be read, or a column is missing.
    """
    names: list[str] = []
    try:
        with naming(path):
            _, header = next(csv_rows(require_there(path)), (1, []))
            places = find_columns(path, header, columns, columns)
            names = [f" {k}" for k in range(len(header))]
            for name, place in places.items():
                names[place] = name
            most_rows(path, MOST_ROWS)
            types: dict[Hashable, str] = {k: "str" for k in names if k in _TEXT or k[0] == " "}
            with warnings.catch_warnings(), open_text(path) as file:
                # Of a first row that is too long pandas would drop the end, with a warning.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                table = pd.read_csv(
                    file,
                    header=0,
                    names=names,
                    index_col=False,
                    dtype=types,
                    keep_default_na=False,
                    na_values=[""],
                    skip_blank_lines=False,
                    low_memory=False,
                )
    except pd.errors.ParserWarning:
        raise InputError(
            f"{path}: row 2: more columns than the {len(names)} of the header line"
        ) from None
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: {error}") from error
    return table[list(columns)]


def require_there(path: Path) -> Path:
    """The path itself.

    Raises:
        InputError: no file is there; the message says where it is described.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; datasets/README.md says what goes here")
    return path


def numbers_of(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of numbers of a table, float64; NaN where a cell is none that can be right."""
    names = [name for name in table.columns if name not in _TEXT]
    numbers = table[names].apply(pd.to_numeric, errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    for name in set(_WHOLE) & set(names):
        fine = (numbers[name] % 1 == 0) & numbers[name].between(0, _LARGEST)
        numbers[name] = numbers[name].where(fine, math.nan)
    return numbers
