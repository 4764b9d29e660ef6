"""Reads and writes lists of labelled videos and of class names, in the common layouts.

A list has one row per video:

    path/to/video.mp4 5        PySlowFast, and MMAction2 for videos; the separator is the last
    path/to/video.mp4,5        blank, comma or tab of a row
    path/to/folder 300 5       MMAction2 for extracted frames: their folder and number

Labels count from 0. The caller chooses the folder that the paths are relative to. A list with a
header line that names `path` and `label`, separated by commas, is a csv with these columns.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ava_det.formats.atomic import StrPath, atomic_text, text_suffix
from ava_det.formats.class_map import LONGEST_NAME, ClassMap, read_class_map
from ava_det.formats.csv_file import csv_rows, find_columns, is_header, text_lines
from ava_det.formats.json_file import load_json
from ava_det.structures import InputError

# The files beside a list that may have the names of the classes.
CLASS_FILES = ("classes.csv", "classes.txt", "classes.json", "classes.pbtxt")

_ROW = re.compile(r"(?P<path>.*[^\s,;])[\s,;]+(?P<label>-?\d+)")
_FRAMES = re.compile(r"(?P<path>.*[^\s,;])[\s,;]+(?P<frames>\d+)")
_MOST_DIGITS = 9  # of a label or a number of frames
_COLUMNS = ("path", "label")
_NUMBERED = re.compile(r"(\d{1,9})[\s,]+(\S.*)")


@dataclass(frozen=True)
class ListedVideo:
    """One row of a list.

    Attributes:
        path: The path in the row.
        label: The 0-based class.
        frames: The number of extracted frames in the folder `path`; None for a video file.
    """

    path: str
    label: int
    frames: int | None = None


def read_video_list(path: StrPath, num_classes: int | None = None) -> list[ListedVideo]:
    """Read a list in any of the layouts above, plain or gzipped. Empty rows are skipped.

    Args:
        path: The file.
        num_classes: The number of classes; every label must be smaller. None means no limit.

    Raises:
        InputError: A row is malformed, a video occurs twice, or the list has no row.
    """
    rows: list[ListedVideo] = []
    first_row: dict[str, int] = {}
    for number, line in _lines(path):
        row = _parsed(f"{path}: row {number}", line, num_classes)
        if row.path in first_row:
            raise InputError(
                f"{path}: row {number}: {row.path[:60]} is in row {first_row[row.path]} already"
            )
        first_row[row.path] = number
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: lists no video")
    return rows


def _lines(path: StrPath) -> Iterator[tuple[int, str]]:
    """Yield (row, "path label") of the rows that are not empty."""
    try:
        header = next(csv.reader([next(text_lines(path), "")]), [])
    except csv.Error:
        header = []
    if not is_header(header, _COLUMNS):
        yield from ((k, line.strip()) for k, line in enumerate(text_lines(path), 1) if line.strip())
        return
    places = find_columns(path, header, _COLUMNS, _COLUMNS)
    for number, fields in csv_rows(path):
        if number > 1 and any(fields):
            if len(fields) != len(header):
                raise InputError(
                    f"{path}: row {number}: {len(fields)} columns where the header names "
                    f"{len(header)}"
                )
            yield number, ",".join(fields[place].strip() for place in places.values())


def _parsed(where: str, line: str, num_classes: int | None) -> ListedVideo:
    """Parse one row; `where` names the file and row in messages."""
    match = _ROW.fullmatch(line)
    if match is None:
        raise InputError(f"{where}: 'path label' belongs here, not {_shortened(line)}")
    label = int(match["label"]) if len(match["label"]) <= _MOST_DIGITS else -1
    if label < 0 or (num_classes is not None and label >= num_classes):
        below = "" if num_classes is None else f", below {num_classes}"
        found = match["label"][:20]
        raise InputError(f"{where}: a label counts from 0{below}; this one is {found}")
    path = match["path"]
    folder = _FRAMES.fullmatch(path)
    if folder is None:
        return ListedVideo(path, label)
    if Path(folder["path"]).suffix:
        raise InputError(f"{where}: several labels of one video: {_shortened(line)}")
    if len(folder["frames"]) > _MOST_DIGITS:
        raise InputError(f"{where}: no number of frames: {_shortened(folder['frames'])}")
    return ListedVideo(folder["path"], label, int(folder["frames"]))


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def write_video_list(path: StrPath, rows: Iterable[ListedVideo]) -> None:
    """Write rows `path,label` of video files atomically."""
    with atomic_text(path) as file:
        file.writelines(f"{row.path},{row.label}\n" for row in rows)


def read_class_names(path: StrPath) -> ClassMap:
    """Read the names of a data set's classes; the class of label k has id k + 1.

    Args:
        path: One of four kinds of file: one name per line in the order of the labels (MMAction2);
            lines `number name` in any order that count from 0 or 1 (UCF101's `classInd.txt`); a
            JSON of name -> label (Something-Something, PySlowFast); or a .csv or .pbtxt for
            `ava_det.formats.class_map`.

    Raises:
        InputError: The file is of another kind, two classes have one name or label, or a label is
            missing.
    """
    suffix = text_suffix(path)
    if suffix in (".csv", ".pbtxt"):
        return read_class_map(path)
    if suffix == ".json":
        names = _names_of_json(path)
    else:
        names = _names_of_lines([line.strip() for line in text_lines(path) if line.strip()])
    if not names:
        raise InputError(f"{path}: lists no class")
    longest = max(names, key=len)
    if len(longest) > LONGEST_NAME:
        raise InputError(f"{path}: a name of more than {LONGEST_NAME} characters")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise InputError(f"{path}: class {_shortened(name)} is listed twice")
    return ClassMap(dict(enumerate(names, 1)))


def _names_of_lines(lines: list[str]) -> list[str]:
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    names = {int(match[1]): match[2] for match in numbered if match}
    first = min(names, default=0)
    if first in (0, 1) and sorted(names) == list(range(first, first + len(lines))):
        return [names[k] for k in sorted(names)]
    return lines


def _names_of_json(path: StrPath) -> list[str]:
    content = load_json(path)
    try:
        labels = {int(label): str(name) for name, label in content.items()}
        if sorted(labels) != list(range(len(content))):
            raise ValueError("labels must be 0, 1, 2 ... and differ")
        "".join(labels.values()).encode()  # fails for half a surrogate pair
    except (ValueError, OverflowError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: not a json of class name -> label ({error})") from None
    return [labels[k] for k in sorted(labels)]
