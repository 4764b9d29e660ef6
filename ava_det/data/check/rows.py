"""Finds all errors in the rows of an AVA csv, not only the first one.

`ava_csv` refuses a file at its first malformed row. This module looks at all rows, column by
column, so that a million bad rows take seconds.
"""

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ava_det.data.check.findings import Findings
from ava_det.data.sets.exclusions import countable, existing
from ava_det.formats.atomic import StrPath, open_text
from ava_det.formats.ava_csv import read_keyframes, read_timestamps
from ava_det.formats.ava_rows import BOX, LARGEST, TOLERANCE, Layout, index_hint, is_empty
from ava_det.formats.class_map import ClassMap
from ava_det.formats.csv_file import CHUNK, MOST_TEXT, csv_rows, most_rows, shown
from ava_det.formats.errors import naming
from ava_det.structures import InputError, Keyframe

MOST_ROWS = 4_000_000  # at 290 bytes per row at the peak; AVA has a million
MOST_COLUMNS = 24
NUMBERS = ["tick", *BOX, "action", "person"]
MANY_EMPTY = 0.2  # share of boxes without an area from which they are no corners
PIXELS = 2.0  # a coordinate from here on is no relative one


@dataclass(frozen=True)
class Rules:
    """The rules for the rows.

    Attributes:
        class_map: The classes; None accepts any class.
        excluded: The keyframes that do not count.
        included: The ticks that count; None counts all.
    """

    class_map: ClassMap | None = None
    excluded: frozenset[Keyframe] = field(default_factory=frozenset)
    included: frozenset[int] | None = None


class Checked(NamedTuple):
    """The rows of a set that could be read.

    Attributes:
        table: The rows, in the columns of `ava_det.formats.ava_csv`.
        counts: (N,) bool: whether a loader keeps the row.
    """

    table: pd.DataFrame
    counts: np.ndarray


def check_annotations(
    annotations: Path,
    findings: Findings,
    class_map: ClassMap | None = None,
    excluded: Path | None = None,
    included: Path | None = None,
) -> Checked:
    """Check the rows of an AVA-shaped set without the pictures.

    Args:
        annotations: The file of the annotations. The name may lack `.gz`.
        findings: The collection to add findings to.
        class_map: The classes. None accepts any class.
        excluded: A csv of keyframes that do not count.
        included: A list of the ticks that count. None counts all.
    """
    rules = Rules(
        class_map=class_map,
        excluded=frozenset(read_keyframes(existing(excluded)) if excluded else ()),
        included=frozenset(read_timestamps(existing(included))) if included else None,
    )
    table = check_rows(existing(annotations), rules, findings)
    return Checked(table, countable(table, excluded, included))


def check_rows(
    path: StrPath, rules: Rules, findings: Findings, per_second: int | None = None
) -> pd.DataFrame:
    """Check all rows of a file of annotations.

    Args:
        path: The file, plain or `.gz`.
        rules: The rules for the rows.
        findings: The collection to add findings to.
        per_second: The same as in `Layout`.

    Returns:
        The readable rows, in the columns of `ava_csv`. The index is the row of the file.
    """
    parts: list[pd.DataFrame] = []
    layout = Layout(eighth="person", fewest=7, per_second=per_second)
    rows = 0
    try:
        with naming(path):
            header = None if is_empty(path) else layout.header(path)
            names = layout.names(path, header)
            hint = "" if header else index_hint(next(csv_rows(path), (0, [""]))[1])
            if hint:
                raise InputError(f"{path}: row 1{hint}")
            most_rows(path, MOST_ROWS, MOST_TEXT)
            with warnings.catch_warnings(), open_text(path) as file:
                # Pandas cuts a longer row, but not before the first column too many: a finding.
                warnings.simplefilter("ignore", pd.errors.ParserWarning)
                reader = pd.read_csv(
                    file,
                    header=None,
                    names=list(range(max(MOST_COLUMNS, len(names) + 1))),
                    dtype="str",
                    index_col=False,
                    keep_default_na=False,
                    na_values=[""],
                    skip_blank_lines=False,
                    skiprows=int(header is not None),
                    chunksize=CHUNK,
                )
                for chunk in reader:
                    chunk.index = pd.Index(chunk.index + 1 + (header is not None), name="row")
                    chunk = chunk.dropna(how="all")
                    rows += len(chunk)
                    parts.append(_numbers(path, chunk, names, layout, findings))
            if not rows:
                findings.add("empty", path, "only a header line" if header else "an empty file")
    except (OSError, ValueError, InputError) as error:
        where = getattr(error, "strerror", None) or " ".join(str(error).split())
        findings.add("unreadable", path, where)
    table = pd.concat(parts) if parts else pd.DataFrame(columns=["video", *NUMBERS])
    table = table.astype({"video": "category", "tick": "int64"})
    check_table(path, table, rules, findings)
    return table


def check_table(path: StrPath, table: pd.DataFrame, rules: Rules, findings: Findings) -> None:
    """Check all rows that could be read.

    Args:
        path: The file of the rows, for messages.
        table: The rows, in the columns of `ava_csv`. `place_of` explains the index.
        rules: The rules for the rows.
        findings: The collection to add findings to.
    """
    _check_boxes(path, table, findings)
    _check_actions(path, table, rules, findings)
    _check_keyframes(path, table, rules, findings)
    _check_people(path, table, findings)


def place_of(table: pd.DataFrame, place: int, what: str = "") -> tuple[int | None, str]:
    """Return the example of a finding: the row of the file, or None, and the text.

    If the index of the table is called "row", it gives the row. Otherwise the text names the
    keyframe.
    """
    if table.index.name == "row":
        return int(table.index[place]), what
    keyframe = f"{table['video'].iloc[place]}, tick {table['tick'].iloc[place]}"
    return None, f"{keyframe}: {what}" if what else keyframe


def _numbers(
    path: StrPath, chunk: pd.DataFrame, names: list[str], layout: Layout, findings: Findings
) -> pd.DataFrame:
    """Return the readable rows of a chunk as numbers; `names` are the names of the columns."""
    columns = chunk.shape[1] - chunk.notna().to_numpy()[:, ::-1].argmax(axis=1)

    def row(place: int) -> tuple[int, str]:
        texts = chunk.iloc[place, : columns[place]].fillna("").tolist()
        return int(chunk.index[place]), shown(",".join(texts))

    places = {name: names.index(name) for name in layout.columns if name in names}
    table = chunk[list(places.values())].set_axis(list(places), axis=1)
    table = table.rename(columns={"time": "tick"}).reindex(columns=["video", *NUMBERS])
    filled = table.notna().to_numpy()
    some = np.asarray(filled[:, 2:].any(axis=1))  # otherwise the row is an empty keyframe
    short = (columns > len(names)) | (columns < 2) | (some & (columns < 6))
    findings.add_many("columns", path, np.flatnonzero(short), row)
    numbers = table[NUMBERS].apply(pd.to_numeric, errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    if layout.per_second:
        numbers["tick"] = (layout.per_second * numbers["tick"]).round()
    lacking = numbers.isna().to_numpy() & filled[:, 1:]
    lacking[:, 0] |= ~filled[:, 1]
    lacking[:, 1:5] |= ~filled[:, 2:6] & some[:, None]
    whole = numbers[["tick", "action", "person"]].fillna(-1).to_numpy()
    broken = (whole != np.round(whole)) | (np.abs(whole) >= LARGEST)
    wrong = lacking.any(axis=1) | broken.any(axis=1) | ~filled[:, 0]
    findings.add_many("number", path, np.flatnonzero(wrong & ~short), row)
    fine = ~(wrong | short)
    table = numbers[fine].assign(video=table["video"][fine].astype("category"))
    return table.astype({"tick": "int64"})[["video", *NUMBERS]]


def _check_boxes(path: StrPath, table: pd.DataFrame, findings: Findings) -> None:
    boxes = table[BOX].to_numpy(np.float64)
    there = ~np.isnan(boxes[:, 0])
    boxes = np.where(there[:, None], boxes, 0.5)

    def row(place: int) -> tuple[int | None, str]:
        corners = zip(BOX, boxes[place], strict=True)
        return place_of(table, place, " ".join(f"{name}={value:g}" for name, value in corners))

    over = np.maximum(boxes - 1, -boxes).max(axis=1)
    pixels = boxes.max(axis=1) >= PIXELS
    far = (over > TOLERANCE) & ~pixels
    findings.add_many("pixels", path, np.flatnonzero(pixels), row)
    findings.add_many("outside", path, np.flatnonzero(far), row)
    findings.add_many("edge", path, np.flatnonzero((over > 0) & ~far & ~pixels), row)
    empty = there & ((boxes[:, 0] >= boxes[:, 2]) | (boxes[:, 1] >= boxes[:, 3]))
    many = empty.sum() > MANY_EMPTY * max(there.sum(), 1)
    findings.add_many("corners" if many else "degenerate", path, np.flatnonzero(empty), row)


def _check_actions(path: StrPath, table: pd.DataFrame, rules: Rules, findings: Findings) -> None:
    actions = table["action"].fillna(-1).to_numpy()
    boxed = table["x1"].notna().to_numpy()

    def row(place: int) -> tuple[int | None, str]:
        return place_of(table, place, f"action {actions[place]:g}")

    findings.add_many("zero_id", path, np.flatnonzero(boxed & (actions == 0)), row)
    if rules.class_map is not None:
        known = np.isin(actions, [-1, 0, *rules.class_map.ids])
        findings.add_many("class", path, np.flatnonzero(boxed & ~known), row)
    labelled = pd.Series(actions > 0).groupby(_people(table), sort=False).transform("any")
    without = boxed & ~labelled.to_numpy(bool) & (actions == -1)
    findings.add_many("unlabelled", path, np.flatnonzero(without), row)


def _people(table: pd.DataFrame) -> np.ndarray:
    """Return (N,) one number for each box of each keyframe."""
    return (
        table.groupby(["video", "tick", *BOX], observed=True, sort=False, dropna=False)
        .ngroup()
        .to_numpy()
    )


def _check_keyframes(path: StrPath, table: pd.DataFrame, rules: Rules, findings: Findings) -> None:
    videos, ticks = table["video"], table["tick"].to_numpy()

    def row(place: int) -> tuple[int | None, str]:
        where, _ = place_of(table, place)
        return where, f"{videos.iloc[place]}, tick {ticks[place]}"

    if rules.included is not None:
        outside = ~np.isin(ticks, list(rules.included))
        findings.add_many("tick", path, np.flatnonzero(outside), row)
    some = np.flatnonzero(np.isin(ticks, [keyframe.tick for keyframe in rules.excluded]))
    excluded = [int(k) for k in some if Keyframe(videos.iloc[k], int(ticks[k])) in rules.excluded]
    findings.add_many("excluded", path, excluded, row)


def _check_people(path: StrPath, table: pd.DataFrame, findings: Findings) -> None:
    there = np.flatnonzero(table["x1"].notna())
    boxed = table.iloc[there]

    def row(place: int, name: str) -> tuple[int | None, str]:
        found = table.iloc[place]
        where, _ = place_of(table, place)
        return where, f"{found['video']}, tick {found['tick']}, {name} {found[name]:g}"

    twice = there[boxed.duplicated(["video", "tick", *BOX, "action"])]
    findings.add_many("duplicate", path, twice, lambda place: row(place, "action"))
    known = boxed["person"] >= 0
    there, people = there[known], boxed[known]
    once = ~people.duplicated(["video", "tick", *BOX])
    again = there[once][people[once].duplicated(["video", "tick", "person"])]
    findings.add_many("person", path, again, lambda place: row(place, "person"))
