"""AVA's csv files: ground truth, results, person boxes and lists of keyframes.

A table is a pandas DataFrame, a row per (box, label), with the columns

    video    category of str
    tick     int64, the keyframe's instant; the data set's `Clock` says when it is
    x1 y1 x2 y2  float64, relative to the frame
    action   int64, 1-based id; -1 where the row has none
    person   int64, person or track id; -1 where unknown
    score    float64; results and person boxes only

A row without a box (x1 is NaN, action -1) lists a keyframe that is empty: the two-column rows of
the files. The index of a table that was read is the 1-based row of the file, for messages.

Files are read by pandas' C parser; where anything looks wrong, they are read once more row by row
to say exactly what and where.
"""

import csv
import gzip
import math
import warnings
import zlib
from collections.abc import Generator, Hashable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.formats.atomic import StrPath, atomic_text, open_text
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError, Keyframe, PersonBoxes

BOX = ["x1", "y1", "x2", "y2"]
# How far a relative box may reach over the frame: detectors that do not clip do, a little.
TOLERANCE = 0.1
_PERSON_NAMES = {"person", "person_id", "track", "track_id", "entity_id"}
_LARGEST = 2**53  # whole numbers are read as float64, which holds them exactly up to here


@dataclass(frozen=True)
class _Layout:
    """What a kind of file holds: its eighth column, and the fewest columns of a row with a box."""

    eighth: str
    fewest: int

    def names(self, header: list[str] | None) -> list[str]:
        """Column names of a file; those which are not ours start with a blank."""
        names = ["video", "tick", *BOX, "action", self.eighth]
        if header is None:
            return names
        names += [f" {k}" for k in range(len(names), len(header))]
        if self.eighth == "person":
            names[7] = " 7"
        for k, title in enumerate(header[7:], 7):
            if title.strip().lower() in _PERSON_NAMES and names[k] != "score":
                names[k] = "person"
                break
        return names


_GROUND_TRUTH = _Layout(eighth="person", fewest=7)
_DETECTIONS = _Layout(eighth="score", fewest=8)
_BOXES = _Layout(eighth="score", fewest=6)
_KEYFRAMES = _Layout(eighth="", fewest=2)


def read_ground_truth(path: StrPath) -> pd.DataFrame:
    """Read annotations: `video,tick,x1,y1,x2,y2,action[,person]`, or `video,tick` for an empty
    keyframe; a header line, further columns under it and gzip are accepted.

    An action that is empty or -1 is a person without a label. Degenerate boxes are kept.

    Raises:
        InputError: the first malformed row, by file and row.
    """
    return _read(path, _GROUND_TRUTH).drop(columns="score")


def read_detections(path: StrPath) -> pd.DataFrame:
    """Read results: `video,tick,x1,y1,x2,y2,action,score`; otherwise as `read_ground_truth`.

    Every row needs its action and score. A person or track id is read from a further column if a
    header line names it.
    """
    return _read(path, _DETECTIONS)


def read_boxes(path: StrPath) -> pd.DataFrame:
    """Read person boxes: `video,tick,x1,y1,x2,y2[,action[,score]]`; a score left out is 1."""
    table = _read(path, _BOXES)
    missing = table["score"].isna() & has_box(table)
    return table.assign(score=table["score"].mask(missing, 1.0))


def has_box(table: pd.DataFrame) -> pd.Series:
    """Which rows hold a box, rather than listing an empty keyframe: (N,) bool."""
    return table["x1"].notna()


def read_keyframes(path: StrPath) -> list[Keyframe]:
    """Read a list of keyframes, such as AVA's exclusions: the first two columns of a csv file.

    Raises:
        InputError: a row without a video or with a tick that is no whole number.
    """
    keyframes = []
    with _readable(path), open_text(path) as file:
        for number, fields in enumerate(csv.reader(file), 1):
            if not any(fields) or (number == 1 and _is_header(fields)):
                continue
            problem = _problem(fields[:2], ["video", "tick"], _KEYFRAMES)
            if problem:
                raise InputError(f"{path}: row {number}: {problem}")
            keyframes.append(Keyframe(fields[0], int(float(fields[1]))))
    return keyframes


def read_timestamps(path: StrPath) -> list[int]:
    """Read a list of ticks, one a line, such as AVA's included timestamps."""
    ticks = []
    with _readable(path), open_text(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                problem = _number_problem("tick", line.strip())
                if problem:
                    raise InputError(f"{path}: row {number}: {problem}")
                ticks.append(int(float(line)))
    return ticks


def write_ground_truth(path: StrPath, table: pd.DataFrame) -> None:
    """Write annotations as `read_ground_truth` reads them, atomically, without a header."""
    _write(path, table, ["action", "person"], None)


def write_detections(path: StrPath, table: pd.DataFrame, tracks: bool = False) -> None:
    """Write results or person boxes as every AVA evaluator reads them, atomically.

    Args:
        path: the file; `.gz` packs it.
        table: with a `score` column.
        tracks: add the `person` column as a ninth one and a header line that names it, which
            other people's evaluators do not take.
    """
    header = ["video", "tick", *BOX, "action", "score", "track_id"] if tracks else None
    _write(path, table, ["action", "score", *(["person"] if tracks else [])], header)


def require_known(table: pd.DataFrame, class_map: ClassMap, path: StrPath) -> None:
    """Refuse a table that has an action which the class map lacks.

    Args:
        table: as read from `path`; its index gives the row.
        class_map: the classes.
        path: named in the message.

    Raises:
        InputError: names the first such row.
    """
    actions = np.asarray(table["action"])
    unknown = np.flatnonzero((class_map.indexes(actions) < 0) & (actions != -1))
    if len(unknown):
        row, action = table.index[unknown[0]], actions[unknown[0]]
        raise InputError(f"{path}: row {row}: action {action} is not in the class map")


def people_by_keyframe(table: pd.DataFrame) -> dict[Keyframe, PersonBoxes]:
    """The people of each keyframe, both in the order of their first rows.

    Rows with one identical box on a keyframe are one person; a keyframe that is listed as empty
    has none. A person's score is that of its first row, 1 where the table has no scores.
    """
    score = table["score"] if "score" in table else pd.Series(1.0, table.index)
    columns = [table["video"].astype(object), table["tick"], *(table[k] for k in BOX)]
    columns += [table["action"], table["person"], score]
    keyframes: dict[Keyframe, dict[tuple[float, ...], tuple[list[int], float, int]]] = {}
    for video, tick, x1, y1, x2, y2, action, person, sure in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        people = keyframes.setdefault(Keyframe(video, tick), {})
        if not math.isnan(x1):
            actions = people.setdefault((x1, y1, x2, y2), ([], sure, person))[0]
            if action > 0 and action not in actions:
                actions.append(action)
    return {keyframe: _person_boxes(keyframe, people) for keyframe, people in keyframes.items()}


def _person_boxes(
    keyframe: Keyframe, people: dict[tuple[float, ...], tuple[list[int], float, int]]
) -> PersonBoxes:
    return PersonBoxes(
        keyframe=keyframe,
        boxes=np.array(list(people), np.float64).reshape(-1, 4),
        actions=tuple(tuple(actions) for actions, _, _ in people.values()),
        scores=np.array([score for _, score, _ in people.values()], np.float64),
        person_ids=np.array([person for _, _, person in people.values()], np.int64),
    )


def table_of(people: Iterable[PersonBoxes]) -> pd.DataFrame:
    """The table that `people_by_keyframe` takes apart, with scores.

    A person without an action gets one row with action -1, a keyframe without people one row
    without a box.
    """
    rows: list[tuple[str, int, float, float, float, float, int, int, float]] = []
    nowhere = (math.nan,) * 4
    for group in people:
        video, tick = group.keyframe.video, group.keyframe.tick
        if not len(group.boxes):
            rows.append((video, tick, *nowhere, -1, -1, math.nan))
        for box, actions, score, person in zip(
            group.boxes.tolist(), group.actions, group.scores, group.person_ids, strict=True
        ):
            x1, y1, x2, y2 = box
            last = (int(person), float(score))
            rows += ((video, tick, x1, y1, x2, y2, action, *last) for action in actions or (-1,))
    table = pd.DataFrame(rows, columns=["video", "tick", *BOX, "action", "person", "score"])
    types = {"video": "category", "tick": "int64", "action": "int64", "person": "int64"}
    return table.astype({**types, **dict.fromkeys([*BOX, "score"], "float64")})


def _read(path: StrPath, layout: _Layout) -> pd.DataFrame:
    with _readable(path):
        header = _header(path)
        names = layout.names(header)
        table = _parse(path, names, header is not None)
        if table is None or not _rows_are_fine(table, layout):
            _refuse_first_bad_row(path, names, layout, header is not None)
        if table is None:
            raise InputError(f"{path}: cannot be read as csv")
    for name in ("person", "score"):
        if name not in table:
            table[name] = math.nan
    whole = {name: table[name].fillna(-1).astype("int64") for name in ("tick", "action", "person")}
    table = table.assign(video=table["video"].astype("category"), **whole)
    return table[["video", "tick", *BOX, "action", "person", "score"]]


@contextmanager
def _readable(path: StrPath) -> Generator[None, None, None]:
    """Turn what a file that is not text raises into one clear line."""
    try:
        yield
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: not a text file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError(f"{path}: not a whole gzip file") from None


def _header(path: StrPath) -> list[str] | None:
    """The header line if the file has one."""
    with open_text(path) as file:
        first = next(csv.reader(file), None)
    if first is None:
        raise InputError(f"{path}: the file is empty")
    return first if _is_header(first) else None


def _is_header(fields: list[str]) -> bool:
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
    return True


def _parse(path: StrPath, names: list[str], header: bool) -> pd.DataFrame | None:
    """All rows by pandas' C parser, or None where it fails; numbers as float64, NaN where empty."""
    types: dict[Hashable, str] = dict.fromkeys(names, "float64")
    # Not "category" at once: pandas would take a video called 007 for the number 7.
    types |= {name: "str" for name in names if name == "video" or name[0] == " "}
    try:
        with warnings.catch_warnings():
            # A first row that is too long only makes pandas warn; it is an error here.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                path,
                header=0 if header else None,
                names=names,
                index_col=False,
                dtype=types,
                keep_default_na=False,  # a video may be called NA
                na_values=[""],
                skip_blank_lines=False,  # the index counts the rows of the file
            )
    except (ValueError, pd.errors.ParserWarning):
        return None
    table.index = pd.RangeIndex(1 + header, 1 + header + len(table), name="row")
    return table.dropna(how="all")  # blank lines


def _rows_are_fine(table: pd.DataFrame, layout: _Layout) -> bool:
    """Whether no row can be malformed; what is wrong, if anything, `_problem` finds out."""
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


def _refuse_first_bad_row(path: StrPath, names: list[str], layout: _Layout, header: bool) -> None:
    """Read a file row by row and raise InputError for the first one that is malformed."""
    with open_text(path) as file:
        for number, fields in enumerate(csv.reader(file), 1):
            problem = _problem(fields, names, layout)
            if problem and not (header and number == 1):
                raise InputError(f"{path}: row {number}: {problem}")


def _problem(fields: list[str], names: list[str], layout: _Layout) -> str | None:
    """What is wrong with one row, or None."""
    if not any(fields):
        return None
    if not fields[0]:
        return "the name of the video is missing"
    given = dict(zip(names, fields, strict=False))
    if len(fields) == 1:
        return f"1 column where {layout.fewest} belong"
    problem = _number_problem("tick", given["tick"])
    if problem or not any(fields[2:]):  # an empty keyframe
        return problem
    if not layout.fewest <= len(fields) <= len(names):
        most = f" to {len(names)}" if len(names) > layout.fewest else ""
        return f"{len(fields)} columns where {layout.fewest}{most} belong"
    optional = {"action", "person", "score"} - ({"action", "score"} if layout.fewest > 7 else set())
    for name, text in given.items():
        if name != "video" and name[0] != " " and (text or name not in optional):
            problem = _number_problem(name, text)
            if problem:
                return problem
    return None


def _number_problem(name: str, text: str) -> str | None:
    """What is wrong with the number in a column, or None."""
    if not text:
        return f"{name} is missing"
    if not _is_number(text):
        return f"{name} is not a number: {text!r}"
    value = float(text)
    if not math.isfinite(value):
        return f"{name} is not finite: {text}"
    if name in BOX and not -TOLERANCE <= value <= 1 + TOLERANCE:
        return f"{name} = {text} is outside the frame: boxes are relative, in [0, 1], not in pixels"
    if name in ("tick", "action", "person") and not (value.is_integer() and abs(value) < _LARGEST):
        return f"{name} is not a whole number: {text}"
    return None


def _write(
    path: StrPath, table: pd.DataFrame, last_columns: list[str], header: list[str] | None
) -> None:
    columns = ["video", "tick", *BOX, *last_columns]
    rows = zip(*(table[name].tolist() for name in columns), strict=True)
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(header)
        if has_box(table).all():
            writer.writerows(rows)
        else:
            writer.writerows(row if row[2] == row[2] else row[:2] for row in rows)
