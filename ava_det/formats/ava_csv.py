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
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.ava_rows import (
    BOX,
    Layout,
    number_problem,
    read_rows,
    row_problem,
)
from ava_det.formats.class_map import ClassMap
from ava_det.formats.csv_file import csv_rows, find_columns, is_header, text_lines
from ava_det.structures import ActionDetections, InputError, Keyframe, PersonBoxes

_GROUND_TRUTH = Layout(eighth="person", fewest=7)
# A detector that found nothing may well write nothing; annotations and proposals never are nothing.
_DETECTIONS = Layout(eighth="score", fewest=8, may_be_empty=True)
_BOXES = Layout(eighth="score", fewest=6)
_KEYFRAMES = Layout(eighth="", fewest=2)


def read_ground_truth(path: StrPath, per_second: int | None = None) -> pd.DataFrame:
    """Read annotations: `video,tick,x1,y1,x2,y2,action[,person]`, or `video,tick` for an empty
    keyframe; gzip and a header line are accepted, with any order of columns and further ones.

    An action that is empty or -1 is a person without a label. Degenerate boxes are kept.

    Args:
        path: the file.
        per_second: where the second column is a time in seconds, as in AVA-Kinetics, how many
            ticks are one; so in all readers here.

    Raises:
        InputError: the first malformed row, by file and row.
    """
    return read_rows(path, replace(_GROUND_TRUTH, per_second=per_second)).drop(columns="score")


def read_detections(path: StrPath, per_second: int | None = None) -> pd.DataFrame:
    """Read results: `video,tick,x1,y1,x2,y2,action,score`; otherwise as `read_ground_truth`.

    Every row needs its action and score; an empty file has no row. A person or track id is read
    from a further column if a header line names it.
    """
    return read_rows(path, replace(_DETECTIONS, per_second=per_second))


def read_boxes(path: StrPath, per_second: int | None = None) -> pd.DataFrame:
    """Read person boxes: `video,tick,x1,y1,x2,y2[,action[,score]]`; a score left out is 1."""
    table = read_rows(path, replace(_BOXES, per_second=per_second))
    missing = table["score"].isna() & has_box(table)
    return table.assign(score=table["score"].mask(missing, 1.0))


def has_box(table: pd.DataFrame) -> pd.Series:
    """Which rows hold a box, rather than listing an empty keyframe: (N,) bool."""
    return table["x1"].notna()


def read_keyframes(path: StrPath, per_second: int | None = None) -> list[Keyframe]:
    """Read a list of keyframes, such as AVA's exclusions: the first two columns of a csv file.

    Raises:
        InputError: a row without a video or with a tick that is no whole number.
    """
    keyframes, layout = [], replace(_KEYFRAMES, per_second=per_second)
    columns = ["video", layout.second]
    places = [0, 1]
    for number, fields in csv_rows(path):
        if number == 1 and is_header(fields, layout.columns):
            places = list(find_columns(path, fields, columns, columns).values())
        elif any(fields):
            given = [fields[k] for k in places if k < len(fields)]
            problem = row_problem(given, columns, layout)
            if problem:
                raise InputError(f"{path}: row {number}: {problem}")
            keyframes.append(Keyframe(given[0], layout.tick(given[1])))
    return keyframes


def read_timestamps(path: StrPath) -> list[int]:
    """Read a list of ticks, one a line, such as AVA's included timestamps."""
    ticks = []
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            problem = number_problem("tick", line.strip())
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


def require_common(table: pd.DataFrame, class_map: ClassMap, path: StrPath) -> None:
    """Refuse a table none of whose actions is in the class map: one of the two is the wrong one.

    Raises:
        InputError: names the first row.
    """
    if (class_map.indexes(np.asarray(table["action"])) < 0).all():
        require_known(table, class_map, path)


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


def detections_table(
    detections: Sequence[ActionDetections], class_map: ClassMap, threshold: float = 0.0
) -> pd.DataFrame:
    """A row per person and class, in the columns of `ava_det.formats.ava_csv`.

    Args:
        detections: of any keyframes.
        class_map: the classes of the score columns.
        threshold: rows with a lower action score are left out.
    """
    counts = [len(d.boxes) for d in detections]
    classes = len(class_map)
    scores = np.concatenate([np.zeros((0, classes), np.float32), *[d.scores for d in detections]])
    boxes = np.concatenate([np.zeros((0, 4)), *[d.boxes for d in detections]])
    names = [d.keyframe.video for d in detections]
    known = sorted(set(names))
    videos = pd.Categorical(np.repeat(np.array(names, dtype=object), counts), categories=known)
    ticks = np.repeat([d.keyframe.tick for d in detections], counts).astype(np.int64)

    person, column = np.nonzero(scores >= threshold)
    corners = dict(zip(("x1", "y1", "x2", "y2"), boxes[person].T, strict=True))
    return pd.DataFrame(
        {
            "video": videos[person],
            "tick": ticks[person],
            **corners,
            "action": np.asarray(class_map.ids, np.int64)[column],
            "person": np.full(len(person), -1),
            "score": scores[person, column].astype(np.float64),
        }
    )
