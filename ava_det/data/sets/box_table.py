"""Read a csv with one box per row: the annotations of JHMDB and UCF101-24."""

import math
import warnings
from collections.abc import Hashable, Sequence
from pathlib import Path

import pandas as pd

from ava_det.formats.atomic import open_text
from ava_det.formats.csv_file import MOST_TEXT, csv_rows, find_columns, most_rows
from ava_det.formats.errors import naming
from ava_det.structures import InputError

MOST_ROWS = 4_000_000  # at 240 bytes per row at the peak; UCF101-24 has 460,000
_TEXT = ("video", "action")
_WHOLE = ("frame", "tube")
_LARGEST = 2**31  # frames, tubes and pixels are smaller


def read_box_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a csv with a header line; the columns may have any order, and other columns are ignored.

    The caller must check the values with `numbers_of`.

    Returns:
        The columns, with `video` and `action` as text. Row n of the table is row n + 1 of the file,
        counted from 1.

    Raises:
        InputError: The file cannot be read, or a column is missing.
    """
    names: list[str] = []
    try:
        with naming(path):
            _, header = next(csv_rows(require_there(path)), (1, []))
            places = find_columns(path, header, columns, columns)
            names = [f" {k}" for k in range(len(header))]
            for name, place in places.items():
                names[place] = name
            most_rows(path, MOST_ROWS, MOST_TEXT)
            types: dict[Hashable, str] = {k: "str" for k in names if k in _TEXT or k[0] == " "}
            with warnings.catch_warnings(), open_text(path) as file:
                # If the first row is too long, pandas drops the end with a warning.
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
    """Return the path if the file exists.

    Raises:
        InputError: The file is missing; the message names the documentation.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; see datasets/README.md")
    return path


def numbers_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the numeric columns of a table, float64; NaN where a value cannot be right."""
    names = [name for name in table.columns if name not in _TEXT]
    numbers = table[names].apply(pd.to_numeric, errors="coerce").astype("float64")
    numbers = numbers.where(numbers.abs() < _LARGEST)
    for name in set(_WHOLE) & set(names):
        fine = (numbers[name] % 1 == 0) & numbers[name].between(0, _LARGEST)
        numbers[name] = numbers[name].where(fine, math.nan)
    return numbers
