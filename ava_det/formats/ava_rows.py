"""Rows of AVA's csv files, checked.

They are read by pandas' C parser; where anything looks wrong, the file is read once more row by row
to say exactly what and where.
"""

import csv
import gzip
import math
import warnings
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ava_det.formats.atomic import StrPath, open_text
from ava_det.formats.errors import naming
from ava_det.structures import InputError

BOX = ["x1", "y1", "x2", "y2"]
COLUMNS = ["video", "tick", *BOX, "action", "person", "score"]
_WHOLE = ("tick", "action", "person")
_MOST_SHOWN = 120  # characters of a row: where a quote is not closed, it is the rest of a file
CHUNK = 1 << 17  # rows that are taken at a time
# How far a relative box may reach over the frame: detectors that do not clip do, a little.
TOLERANCE = 0.1
_PERSON_NAMES = {"person", "person_id", "track", "track_id", "entity_id"}
_LARGEST = 2**53  # whole numbers are read as float64, which holds them exactly up to here


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

    def names(self, header: list[str] | None) -> list[str]:
        """Column names of a file; those which are not ours start with a blank."""
        names = ["video", self.second, *BOX, "action", self.eighth]
        if header is None:
            return names
        names[7:] = [f" {k}" for k in range(7, max(len(header), 8))]
        titles = dict(enumerate((title.strip().lower() for title in header[7:]), 7))
        if self.eighth == "score":
            names[next((k for k, title in titles.items() if title == "score"), 7)] = "score"
        for k, title in titles.items():
            if title in _PERSON_NAMES and names[k] != "score":
                names[k] = "person"
                break
        return names


def read_rows(path: StrPath, layout: Layout) -> pd.DataFrame:
    """The table of a file, in the columns that `formats.ava_csv` describes.

    Raises:
        InputError: the first malformed row, by file and row.
    """
    with naming(path):
        if layout.may_be_empty and _is_empty(path):
            return _Columns(0).table(1)
        header = _header(path)
        names = layout.names(header)
        table, fine = _parse(path, names, layout, header is not None)
        if not fine:
            _refuse_first_bad_row(path, names, layout, header is not None)
        if table is None:
            raise InputError(f"{path}: cannot be read as csv")
    return table


def _is_empty(path: StrPath) -> bool:
    with open_text(path) as file:
        return not file.read(1)


def _header(path: StrPath) -> list[str] | None:
    """The header line if the file has one."""
    with open_text(path) as file:
        first = next(csv.reader(file), None)
    if first is None:
        raise InputError(f"{path}: the file is empty")
    return first if is_header(first) else None


def is_header(fields: list[str]) -> bool:
    """Whether a first row is a header: it speaks of videos and holds no number."""
    return (
        len(fields) > 1
        and fields[0].strip().lower().startswith("video")
        and not any(_is_number(text) for text in fields[1:])
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # which Python takes, and pandas does not


def _parse(
    path: StrPath, names: list[str], layout: Layout, header: bool
) -> tuple[pd.DataFrame | None, bool]:
    """All rows by pandas' C parser, or None where it fails, and whether no row can be malformed.

    Done part by part, so that little more than the result is held.
    """
    types: dict[Hashable, str] = dict.fromkeys(names, "float64")
    # Not "category" at once: pandas would take a video called 007 for the number 7.
    types |= {name: "str" for name in names if name == "video" or name[0] == " "}
    columns = _Columns(_most_rows(path))
    try:
        with warnings.catch_warnings():
            # A first row that is too long only makes pandas warn; it is an error here.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            reader = pd.read_csv(
                path,
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


def _most_rows(path: StrPath) -> int:
    """How many rows a file has at most."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rb") as file:
        blocks = iter(lambda: file.read(1 << 20), b"")
        return 1 + sum(block.count(b"\n") + block.count(b"\r") for block in blocks)


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
    box, action = np.asarray(table[BOX]), np.asarray(table["action"])
    person = np.asarray(table["person"]) if "person" in table else np.zeros(len(table))
    score = np.asarray(table["score"]) if "score" in table else np.zeros(len(table))
    empty = np.asarray(table.drop(columns=["video", "tick"]).isna().all(axis=1))
    # Comparisons with NaN are false, so that each condition is written for what is right.
    fine = ((box >= -TOLERANCE) & (box <= 1 + TOLERANCE)).all(axis=1)
    fine &= _is_whole(action) | (np.isnan(action) & (layout.fewest < 7))
    fine &= _is_whole(person) | np.isnan(person)
    fine &= np.isfinite(score) | (np.isnan(score) & (layout.fewest < 8))
    fine = (fine | empty) & _is_whole(np.asarray(table["tick"]))
    return bool(fine.all() and table["video"].notna().all())


def _is_whole(values: np.ndarray) -> np.ndarray:
    return (np.abs(values) < _LARGEST) & (np.round(values) == values)


def _refuse_first_bad_row(path: StrPath, names: list[str], layout: Layout, header: bool) -> None:
    """Read a file row by row and raise InputError for the first one that is malformed."""
    with open_text(path) as file:
        for number, fields in enumerate(csv.reader(file), 1):
            problem = row_problem(fields, names, layout)
            if problem and not (header and number == 1):
                raise InputError(f"{path}: row {number}: {problem}")


def row_problem(fields: list[str], names: list[str], layout: Layout) -> str | None:
    """What is wrong with one row, or None."""
    if not any(fields):
        return None
    if not fields[0]:
        return "the name of the video is missing"
    given = dict(zip(names, fields, strict=False))
    if len(fields) == 1:
        return f"1 column where {layout.fewest} belong"
    problem = number_problem(layout.second, given[layout.second])
    if problem or not any(fields[2:]):  # an empty keyframe
        return problem
    if not layout.fewest <= len(fields) <= len(names):
        most = f" to {len(names)}" if len(names) > layout.fewest else ""
        return f"{len(fields)} columns where {layout.fewest}{most} belong"
    optional = {"action", "person", "score"} - ({"action", "score"} if layout.fewest > 7 else set())
    for name, text in given.items():
        if name != "video" and name[0] != " " and (text or name not in optional):
            problem = number_problem(name, text)
            if problem:
                return problem
    return None


def number_problem(name: str, text: str) -> str | None:
    """What is wrong with the number in a column, or None."""
    if not text:
        return f"{name} is missing"
    if not _is_number(text):
        return f"{name} is not a number: {shown(text)}"
    value = float(text)
    if not math.isfinite(value):
        return f"{name} is not finite: {text}"
    if name in BOX and not -TOLERANCE <= value <= 1 + TOLERANCE:
        return f"{name} = {text} is outside the frame: boxes are relative, in [0, 1], not in pixels"
    if name == "time" and not abs(value) * 1e6 < _LARGEST:
        return f"time is too large: {text}"
    if name in ("tick", "action", "person") and not (value.is_integer() and abs(value) < _LARGEST):
        problem = f"{name} is not a whole number: {text}"
        fraction = name == "tick" and not value.is_integer()
        return f"{problem} (tools/evaluate.py --times takes seconds)" if fraction else problem
    return None


def shown(text: str) -> str:
    """A text of a file as a message quotes it: the beginning of a long one."""
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")
