"""AVA's csv files: ground truth, results, person boxes and lists of keyframes.

A table is a pandas DataFrame, a row per (box, label), with the columns

    video    category of str
    tick     int64, the instant of the keyframe; `Clock` of the data set gives its time
    x1 y1 x2 y2  float64, relative to the frame
    action   int64, 1-based id; -1 where the row has none
    person   int64, person or track id; -1 where unknown
    score    float64; results and person boxes only

A row without a box (x1 is NaN, action -1) lists an empty keyframe; in files it has two columns.
After reading, the index of a table is the 1-based row of the file, so that messages can name it.
"""

import csv
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
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
# A detector that found nothing may write an empty file. Annotations and proposals are never empty.
_DETECTIONS = Layout(eighth="score", fewest=8, may_be_empty=True)
_BOXES = Layout(eighth="score", fewest=6)
_KEYFRAMES = Layout(eighth="", fewest=2)
# The header line of results with track ids, which other people's evaluators do not take.
TRACKS_HEADER = ("video", "tick", *BOX, "action", "score", "track_id")


def read_ground_truth(path: StrPath, per_second: int | None = None) -> pd.DataFrame:
    """Read annotations: `video,tick,x1,y1,x2,y2,action[,person]`, or `video,tick` for an empty
    keyframe; gzip and a header line are accepted, with any order of columns and further ones.

    An empty action, or -1, means a person without a label. Degenerate boxes are kept.

    Args:
        path: The file.
        per_second: Ticks a second, if the second column is a time in seconds as in AVA-Kinetics.
            None means that the column is a tick. All readers of this module take it.

    Raises:
        InputError: A row is malformed. The message names the file and the first such row.
    """
    return read_rows(path, replace(_GROUND_TRUTH, per_second=per_second)).drop(columns="score")


def read_detections(path: StrPath, per_second: int | None = None) -> pd.DataFrame:
    """Read results: `video,tick,x1,y1,x2,y2,action,score`; otherwise as `read_ground_truth`.

    Every row needs an action and a score. An empty file gives an empty table. A person or track id
    is read from a further column if a header line names that column.
    """
    return read_rows(path, replace(_DETECTIONS, per_second=per_second))


def read_boxes(path: StrPath, per_second: int | None = None) -> pd.DataFrame:
    """Read person boxes: `video,tick,x1,y1,x2,y2[,action[,score]]`; a score left out is 1."""
    table = read_rows(path, replace(_BOXES, per_second=per_second))
    missing = table["score"].isna() & has_box(table)
    return table.assign(score=table["score"].mask(missing, 1.0))


def has_box(table: pd.DataFrame) -> pd.Series:
    """Tell the rows that hold a box from those that list an empty keyframe: (N,) bool."""
    return table["x1"].notna()


def read_keyframes(path: StrPath, per_second: int | None = None) -> list[Keyframe]:
    """Read a list of keyframes, such as AVA's exclusions: the first two columns of a csv file.

    Raises:
        InputError: A row has no video, or a tick that is not a whole number.
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


@contextmanager
def writing_rows(
    path: StrPath, header: Sequence[str] | None = None
) -> Generator[Callable[[Iterable[Sequence[object]]], object]]:
    """Open a file of rows to write, atomically; a name that ends in `.gz` is packed.

    Args:
        path: The file.
        header: The header line, if the file gets one.

    Yields:
        A function that writes rows: `video, tick, x1, y1, x2, y2` and what follows them.
    """
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(header)
        yield writer.writerows


def write_ground_truth(path: StrPath, table: pd.DataFrame) -> None:
    """Write annotations as `read_ground_truth` reads them, atomically, without a header."""
    _write(path, table, ["action", "person"], None)


def write_detections(path: StrPath, table: pd.DataFrame, tracks: bool = False) -> None:
    """Write results or person boxes as every AVA evaluator reads them, atomically.

    Args:
        path: The file. A name that ends in `.gz` is packed.
        table: A table with a `score` column.
        tracks: Add the `person` column as a ninth one, and a header line. Other people's evaluators
            do not read such files.
    """
    last_columns = ["action", "score", *(["person"] if tracks else [])]
    _write(path, table, last_columns, TRACKS_HEADER if tracks else None)


def require_known(table: pd.DataFrame, class_map: ClassMap, path: StrPath) -> None:
    """Refuse a table with an action that the class map lacks.

    Args:
        table: A table as read from `path`; its index gives the rows.
        class_map: The known classes.
        path: The file that the message names.

    Raises:
        InputError: An action is unknown. The message names the first such row.
    """
    actions = np.asarray(table["action"])
    unknown = np.flatnonzero((class_map.indexes(actions) < 0) & (actions != -1))
    if len(unknown):
        row, action = table.index[unknown[0]], actions[unknown[0]]
        raise InputError(f"{path}: row {row}: action {action} is not in the class map")


def require_common(table: pd.DataFrame, class_map: ClassMap, path: StrPath) -> None:
    """Refuse a table if the class map has none of its actions: table or map is the wrong one.

    Raises:
        InputError: All actions are unknown. The message names the first row.
    """
    if (class_map.indexes(np.asarray(table["action"])) < 0).all():
        require_known(table, class_map, path)


def people_by_keyframe(table: pd.DataFrame) -> dict[Keyframe, PersonBoxes]:
    """Group a table by keyframe and person, both in the order of their first rows.

    Rows of a keyframe with identical boxes are one person. A keyframe that is listed as empty has
    no people. The score of a person is that of the first row, or 1 if the table has no scores.
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
    """Make a table with scores of people; the inverse of `people_by_keyframe`.

    A person without an action gets one row with action -1. A keyframe without people gets one row
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
    path: StrPath, table: pd.DataFrame, last_columns: list[str], header: Sequence[str] | None
) -> None:
    columns = ["video", "tick", *BOX, *last_columns]
    rows = zip(*(table[name].tolist() for name in columns), strict=True)
    with writing_rows(path, header) as write:
        write(rows if has_box(table).all() else (r if r[2] == r[2] else r[:2] for r in rows))


def detections_table(
    detections: Sequence[ActionDetections], class_map: ClassMap, threshold: float = 0.0
) -> pd.DataFrame:
    """Make a table with a row per person and class.

    Args:
        detections: Detections on any keyframes.
        class_map: The classes of the score columns.
        threshold: Rows with a lower action score are left out.
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
