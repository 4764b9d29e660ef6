"""Reads and checks rows of AVA's csv files.

Pandas' C parser reads the rows. If anything looks wrong, the file is read again row by row, to
report the exact row and problem.
"""

import math
import warnings
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ava_det.formats.atomic import StrPath, open_text
from ava_det.formats.csv_file import (
    CHUNK,
    csv_rows,
    find_columns,
    is_header,
    is_number,
    most_rows,
    shown,
)
from ava_det.formats.errors import naming
from ava_det.structures import InputError

BOX = ["x1", "y1", "x2", "y2"]
COLUMNS = ["video", "tick", *BOX, "action", "person", "score"]
_WHOLE = ("tick", "action", "person")
# How far a relative box may exceed the frame: detectors without clipping do, a little.
TOLERANCE = 0.1
LONGEST_NAME = 4096  # characters of a video's name; a path is no longer
# Of all tables that an evaluation holds: it takes 240 bytes per row at the peak, so 1.5 GB in all.
# AVA's results have 2 million rows; with the scores of all classes, 5 million.
MOST_ROWS = 6_000_000
MOST_NAMES = 1 << 28  # bytes of the different names of videos
_NAME_BYTES = 200  # of a name, beside the characters
LARGEST = 2**53  # whole numbers are read as float64, which is exact up to this number


@dataclass(frozen=True)
class Layout:
    """The columns of a kind of file.

    Attributes:
        eighth: The name of the eighth column.
        fewest: The fewest columns of a row with a box.
        per_second: The ticks per second, if the second column is a time in seconds. None if the
            second column is a tick.
        may_be_empty: Whether an empty file is a table without rows. Otherwise it is an error.
    """

    eighth: str
    fewest: int
    per_second: int | None = None
    may_be_empty: bool = False

    @property
    def second(self) -> str:
        """Return the name of the second column."""
        return "time" if self.per_second else "tick"

    def tick(self, text: str) -> int:
        """Convert the text of a second column, checked by `number_problem`, to a tick."""
        return round(float(text) * (self.per_second or 1))

    @property
    def columns(self) -> list[str]:
        """Return all columns that are read from a file with a header line."""
        columns = ["video", self.second, *BOX, "action", "person"]
        return [*columns, "score"] if self.eighth == "score" else columns

    def header(self, path: StrPath) -> list[str] | None:
        """Return the header line of a file; None without one.

        Raises:
            InputError: The file is empty or no csv.
        """
        _, first = next(csv_rows(path), (0, None))
        if first is None:
            raise InputError(f"{path}: the file is empty")
        if len(first) > 2 and first == [str(k) for k in range(len(first))]:
            raise InputError(
                f"{path}: row 1: the numbers of columns, as pandas writes for columns without "
                "names: remove the row (to_csv(header=False))"
            )
        return first if is_header(first, self.columns) else None

    def names(self, path: StrPath, header: list[str] | None) -> list[str]:
        """Return the column names of a file. Names of unknown columns start with a blank.

        Raises:
            InputError: The header lacks a column, or has a column twice.
        """
        order = ["video", self.second, *BOX, "action", self.eighth]
        if header is None:
            return order
        names = [f" {k}" for k in range(len(header))]
        for name, place in find_columns(path, header, self.columns, order[: self.fewest]).items():
            names[place] = name
        return names


def read_rows(path: StrPath, layout: Layout) -> pd.DataFrame:
    """Read a file into a table with the columns that `formats.ava_csv` describes.

    Raises:
        InputError: A row is malformed. The message names the file and the first such row.
    """
    with naming(path):
        if layout.may_be_empty and is_empty(path):
            return _Columns(0).table(1)
        header = layout.header(path)
        names = layout.names(path, header)
        table, fine = _parse(path, names, layout, header is not None)
        if not fine:
            _refuse_first_bad_row(path, names, layout, header is not None)
        if table is None:
            raise InputError(f"{path}: cannot be read as csv")
    return table


def is_empty(path: StrPath) -> bool:
    """Return whether a file has no text at all."""
    with open_text(path) as file:
        return not file.read(1)


def _parse(
    path: StrPath, names: list[str], layout: Layout, header: bool
) -> tuple[pd.DataFrame | None, bool]:
    """Parse all rows with pandas' C parser. Return the table and whether all rows are surely fine.

    The table is None if the parser fails. The file is parsed in chunks, so that memory is little
    more than the result.
    """
    types: dict[Hashable, str] = dict.fromkeys(names, "float64")
    # Read names as "str", not "category": pandas would turn a video called 007 into the number 7.
    types |= {name: "str" for name in names if name == "video" or name[0] == " "}
    columns = _Columns(most_rows(path, MOST_ROWS))
    try:
        with warnings.catch_warnings(), open_text(path) as file:
            # For a first row that is too long, pandas only warns. Here it is an error.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            reader = pd.read_csv(
                file,
                header=0 if header else None,
                names=names,
                index_col=False,
                dtype=types,
                keep_default_na=False,  # a video may have the name NA
                na_values=[""],
                skip_blank_lines=False,  # the index counts the rows of the file
                chunksize=CHUNK,
            )
            with reader:
                fine = [
                    columns.take(chunk.dropna(how="all"), layout)  # drop blank lines
                    for chunk in reader
                ]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (ValueError, pd.errors.ParserWarning):
        return None, False
    return columns.table(1 + header), all(fine)


class _Columns:
    """The columns of a growing table, in preallocated arrays.

    To join chunks at the end would take twice the memory.
    """

    def __init__(self, most: int) -> None:
        self.count = self.names = 0
        self.videos: dict[str, int] = {}
        self.rows = np.empty(most, np.int64)
        self.codes = np.empty(most, np.int32)
        self.columns = {
            name: np.empty(most, np.int64 if name in _WHOLE else np.float64) for name in COLUMNS[1:]
        }

    def take(self, chunk: pd.DataFrame, layout: Layout) -> bool:
        """Add rows and return whether all of them are surely fine."""
        if layout.per_second:
            ticks = (chunk["time"] * layout.per_second).round()
            chunk = chunk.assign(tick=ticks).drop(columns="time")
        fine = _rows_are_fine(chunk, layout)
        codes, found = pd.factorize(chunk["video"])
        here = slice(self.count, self.count + len(chunk))
        self.count = here.stop
        fine = fine and all(len(name) <= LONGEST_NAME for name in found)
        self.names += sum(_NAME_BYTES + len(name) for name in found if name not in self.videos)
        if self.names > MOST_NAMES:
            raise InputError("too many different names of videos to hold in memory")
        numbers = [self.videos.setdefault(name, len(self.videos)) for name in found]
        self.codes[here] = np.array([*numbers, -1])[codes]  # -1 is a missing name
        self.rows[here] = chunk.index
        for name, column in self.columns.items():
            values = chunk[name].to_numpy() if name in chunk else math.nan
            with np.errstate(invalid="ignore"):  # fractions are refused later
                column[here] = np.where(np.isnan(values), -1, values) if name in _WHOLE else values
        return fine

    def table(self, first: int) -> pd.DataFrame:
        """Return the table; `first` is the file's row number of the parser's row 0."""
        rows = self.rows[: self.count]
        index: pd.Index = pd.Index(rows + first, name="row")
        if self.count and rows[-1] - rows[0] == self.count - 1:
            index = pd.RangeIndex(rows[0] + first, rows[-1] + first + 1, name="row")
        names = sorted(self.videos)
        place = np.full(len(names) + 1, -1, np.int32)
        place[[self.videos[name] for name in names]] = np.arange(len(names))
        codes: Any = place[self.codes[: self.count]]
        videos = pd.Categorical.from_codes(codes, pd.Index(names, dtype="str"))
        columns = {name: column[: self.count] for name, column in self.columns.items()}
        return pd.DataFrame({"video": videos, **columns}, index=index, copy=False)


def _rows_are_fine(table: pd.DataFrame, layout: Layout) -> bool:
    """Return whether all rows are surely fine. Otherwise `row_problem` finds the problem, if any.

    A missing last number may mean a missing column, and the table cannot tell these apart. So a row
    without a required last column does not count as fine.
    """
    box, nothing = np.asarray(table[BOX]), np.full(len(table), math.nan)
    action, person, score = (
        np.asarray(table[name]) if name in table else nothing
        for name in ("action", "person", "score")
    )
    empty = np.isnan(box).all(axis=1) & np.isnan(action) & np.isnan(person) & np.isnan(score)
    # Comparisons with NaN are false, so each condition states the valid case.
    fine = ((box >= -TOLERANCE) & (box <= 1 + TOLERANCE)).all(axis=1)
    fine &= _is_whole(action) | (np.isnan(action) & (layout.fewest < 7))
    fine &= _is_whole(person) | np.isnan(person)
    fine &= np.isfinite(score) | (np.isnan(score) & (layout.fewest < 8))
    fine = (fine | empty) & _is_whole(np.asarray(table["tick"]))
    return bool(fine.all() and table["video"].notna().all())


def _is_whole(values: np.ndarray) -> np.ndarray:
    return (np.abs(values) < LARGEST) & (np.round(values) == values)


def _refuse_first_bad_row(path: StrPath, names: list[str], layout: Layout, header: bool) -> None:
    """Read a file row by row and raise InputError for the first malformed row."""
    for number, fields in csv_rows(path, MOST_ROWS):
        problem = row_problem(fields, names, layout)
        if problem and not (header and number == 1):
            raise InputError(f"{path}: row {number}: {problem}")


def row_problem(fields: list[str], names: list[str], layout: Layout) -> str | None:
    """Return the problem of a row; None without one."""
    if not any(fields):
        return None
    given = {name: text for name, text in zip(names, fields, strict=False) if name[:1] != " "}
    if not given.get("video"):
        return "the name of the video is missing"
    if len(given["video"]) > LONGEST_NAME:
        return f"the name of the video has more than {LONGEST_NAME:,} characters"
    if len(fields) == 1:
        return f"1 column where {layout.fewest} belong"
    problem = number_problem(layout.second, given.get(layout.second, ""))
    if problem:
        return problem + index_hint(fields)
    numbers = {name: given.get(name, "") for name in (*BOX, "action", "person", "score")}
    some = any(numbers.values())
    if len(fields) > len(names) or (some and len(fields) < layout.fewest):
        most = f" to {len(names)}" if len(names) > layout.fewest else ""
        return f"{len(fields)} columns where {layout.fewest}{most} belong"
    if not some:  # an empty keyframe
        return None
    optional = {"action", "person", "score"} - ({"action", "score"} if layout.fewest > 7 else set())
    problems = (
        number_problem(name, text) for name, text in numbers.items() if text or name not in optional
    )
    return next(filter(None, problems), None)


def index_hint(fields: list[str]) -> str:
    """Return a remedy if a row without a header line begins with an index of pandas, else ""."""
    begins = [is_number(text.strip()) for text in fields[:3]]
    if begins[:2] == [True, False] and begins[2:] in ([], [True]) and fields[0].strip().isdecimal():
        return ": the first column looks like an index: write the file with to_csv(index=False)"
    return ""


def number_problem(name: str, text: str) -> str | None:
    """Return the problem of the number in a column; None without one."""
    if not text:
        return f"{name} is missing"
    if not is_number(text):
        return f"{name} is not a number: {shown(text)}"
    value, short = float(text), text if len(text) <= 40 else f"{text[:40]}..."
    if not math.isfinite(value):
        return f"{name} is not finite: {short}"
    if name in BOX and not -TOLERANCE <= value <= 1 + TOLERANCE:
        return (
            f"{name} = {short} is outside the frame: boxes are relative, in [0, 1], not in pixels"
        )
    if name == "time" and not abs(value) * 1e6 < LARGEST:
        return f"time is too large: {short}"
    if name in _WHOLE and not (value.is_integer() and abs(value) < LARGEST):
        problem = f"{name} is not a whole number: {short}"
        fraction = name == "tick" and not value.is_integer()
        return f"{problem} (ava-det evaluate --times takes seconds)" if fraction else problem
    return None
