"""Rows of AVA's csv files, checked.

They are read by pandas' C parser; where anything looks wrong, the file is read once more row by row
to say exactly what and where.
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
CHUNK = 1 << 17  # rows that are taken at a time
# How far a relative box may reach over the frame: detectors that do not clip do, a little.
TOLERANCE = 0.1
LONGEST_NAME = 4096  # characters of a video's name, which is a path at most
MOST_ROWS = 20_000_000  # of a table, which takes 76 bytes a row: AVA's results are a tenth
LARGEST = 2**53  # whole numbers are read as float64, which holds them exactly up to here


@dataclass(frozen=True)
class Layout:
    """What a kind of file holds.

    Attributes:
        eighth: its eighth column.
        fewest: columns of a row with a box.
        per_second: where its second column is a time in seconds, how many ticks are one; None: it
            is a tick.
        may_be_empty: whether a file of no byte is a table of no row rather than a mistake.
    """

    eighth: str
    fewest: int
    per_second: int | None = None
    may_be_empty: bool = False

    @property
    def second(self) -> str:
        """The name of the second column."""
        return "time" if self.per_second else "tick"

    def tick(self, text: str) -> int:
        """The tick that a second column says in which `number_problem` found nothing."""
        return round(float(text) * (self.per_second or 1))

    @property
    def columns(self) -> list[str]:
        """All columns that are taken from a file whose header line names them."""
        columns = ["video", self.second, *BOX, "action", "person"]
        return [*columns, "score"] if self.eighth == "score" else columns

    def header(self, path: StrPath) -> list[str] | None:
        """The header line of a file if it has one.

        Raises:
            InputError: the file is empty, or no csv.
        """
        _, first = next(csv_rows(path), (0, None))
        if first is None:
            raise InputError(f"{path}: the file is empty")
        if len(first) > 2 and first == [str(k) for k in range(len(first))]:
            raise InputError(
                f"{path}: row 1: the numbers of columns, as pandas writes them where columns have "
                "no names: leave the row out (to_csv(header=False))"
            )
        return first if is_header(first, self.columns) else None

    def names(self, path: StrPath, header: list[str] | None) -> list[str]:
        """Column names of a file; those which are not ours start with a blank.

        Raises:
            InputError: the header lacks one, or has one twice.
        """
        order = ["video", self.second, *BOX, "action", self.eighth]
        if header is None:
            return order
        names = [f" {k}" for k in range(len(header))]
        for name, place in find_columns(path, header, self.columns, order[: self.fewest]).items():
            names[place] = name
        return names


def read_rows(path: StrPath, layout: Layout) -> pd.DataFrame:
    """The table of a file, in the columns that `formats.ava_csv` describes.

    Raises:
        InputError: the first malformed row, by file and row.
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
    """Whether a file has no text at all."""
    with open_text(path) as file:
        return not file.read(1)


def _parse(
    path: StrPath, names: list[str], layout: Layout, header: bool
) -> tuple[pd.DataFrame | None, bool]:
    """All rows by pandas' C parser, or None where it fails, and whether no row can be malformed.

    Done part by part, so that little more than the result is held.
    """
    types: dict[Hashable, str] = dict.fromkeys(names, "float64")
    # Not "category" at once: pandas would take a video called 007 for the number 7.
    types |= {name: "str" for name in names if name == "video" or name[0] == " "}
    columns = _Columns(most_rows(path, MOST_ROWS))
    try:
        with warnings.catch_warnings(), open_text(path) as file:
            # A first row that is too long only makes pandas warn; it is an error here.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            reader = pd.read_csv(
                file,
                header=0 if header else None,
                names=names,
                index_col=False,
                dtype=types,
                keep_default_na=False,  # a video may be called NA
                na_values=[""],
                skip_blank_lines=False,  # the index counts the rows of the file
                chunksize=CHUNK,
            )
            with reader:
                fine = [
                    columns.take(chunk.dropna(how="all"), layout)  # not blank lines
                    for chunk in reader
                ]
    except (ValueError, pd.errors.ParserWarning):
        return None, False
    return columns.table(1 + header), all(fine)


class _Columns:
    """The columns of a table that grows, in arrays that are made once: joining parts at the end
    would take the memory twice.
    """

    def __init__(self, most: int) -> None:
        self.count = 0
        self.videos: dict[str, int] = {}
        self.rows = np.empty(most, np.int64)
        self.codes = np.empty(most, np.int32)
        self.columns = {
            name: np.empty(most, np.int64 if name in _WHOLE else np.float64) for name in COLUMNS[1:]
        }

    def take(self, chunk: pd.DataFrame, layout: Layout) -> bool:
        """Add rows; whether none can be malformed."""
        if layout.per_second:
            ticks = (chunk["time"] * layout.per_second).round()
            chunk = chunk.assign(tick=ticks).drop(columns="time")
        fine = _rows_are_fine(chunk, layout)
        codes, found = pd.factorize(chunk["video"])
        here = slice(self.count, self.count + len(chunk))
        self.count = here.stop
        fine = fine and all(len(name) <= LONGEST_NAME for name in found)
        numbers = [self.videos.setdefault(name, len(self.videos)) for name in found]
        self.codes[here] = np.array([*numbers, -1])[codes]  # -1 is a missing name
        self.rows[here] = chunk.index
        for name, column in self.columns.items():
            values = chunk[name].to_numpy() if name in chunk else math.nan
            with np.errstate(invalid="ignore"):  # what is no whole number is refused later
                column[here] = np.where(np.isnan(values), -1, values) if name in _WHOLE else values
        return fine

    def table(self, first: int) -> pd.DataFrame:
        """The table; `first` is the row of the file that the parser calls 0."""
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
    """Whether no row can be malformed; what is wrong, if anything, `row_problem` finds out.

    A number that is missing at the end of a row may be a column too few, which a table no longer
    tells, so a row that must have that column is not taken for fine here.
    """
    box, nothing = np.asarray(table[BOX]), np.full(len(table), math.nan)
    action, person, score = (
        np.asarray(table[name]) if name in table else nothing
        for name in ("action", "person", "score")
    )
    empty = np.isnan(box).all(axis=1) & np.isnan(action) & np.isnan(person) & np.isnan(score)
    # Comparisons with NaN are false, so that each condition is written for what is right.
    fine = ((box >= -TOLERANCE) & (box <= 1 + TOLERANCE)).all(axis=1)
    fine &= _is_whole(action) | (np.isnan(action) & (layout.fewest < 7))
    fine &= _is_whole(person) | np.isnan(person)
    fine &= np.isfinite(score) | (np.isnan(score) & (layout.fewest < 8))
    fine = (fine | empty) & _is_whole(np.asarray(table["tick"]))
    return bool(fine.all() and table["video"].notna().all())


def _is_whole(values: np.ndarray) -> np.ndarray:
    return (np.abs(values) < LARGEST) & (np.round(values) == values)


def _refuse_first_bad_row(path: StrPath, names: list[str], layout: Layout, header: bool) -> None:
    """Read a file row by row and raise InputError for the first one that is malformed."""
    for number, fields in csv_rows(path, MOST_ROWS):
        problem = row_problem(fields, names, layout)
        if problem and not (header and number == 1):
            raise InputError(f"{path}: row {number}: {problem}")


def row_problem(fields: list[str], names: list[str], layout: Layout) -> str | None:
    """What is wrong with one row, or None."""
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
        return problem
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


def number_problem(name: str, text: str) -> str | None:
    """What is wrong with the number in a column, or None."""
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
        return f"{problem} (tools/evaluate.py --times takes seconds)" if fraction else problem
    return None
