"""What the published annotations of a recognition set say: its classes, and its lists of videos.

A module a data set reads them (`kinetics`, `something`, `ucf101`, `hmdb51`, `own_lists`); they know
no file of a video, only under which names one may be found.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ava_det.formats.atomic import open_text
from ava_det.structures import InputError


@dataclass(frozen=True)
class WantedVideo:
    """A video that a list names.

    Attributes:
        names: where its file may lie below the folder of videos, best first: a path without a
            suffix, or its end.
        label: 0-based class.
    """

    names: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class Annotations:
    """A recognition set as published.

    Attributes:
        classes: names in the order of the labels.
        lists: the videos of "train", "split1_test" and so on.
    """

    classes: tuple[str, ...]
    lists: Mapping[str, Sequence[WantedVideo]]


ReadAnnotations = Callable[[Path], Annotations]


def first_file(folder: Path, *names: str) -> Path:
    """The first of some files that a folder has.

    Raises:
        InputError: it has none of them.
    """
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise InputError(f"{folder}: no {' or '.join(names)} in it")
    return found


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """(row, text) of the lines of a file that are not empty."""
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.strip()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, column -> text) of a csv whose header has at least the columns."""
    with open_text(path) as file:
        reader = csv.DictReader(file)
        try:
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: row 1: no column {', '.join(missing)}")
            for row in reader:
                lacking = [name for name in columns if not (row[name] or "").strip()]
                if lacking:
                    raise InputError(f"{path}: row {reader.line_num}: no {', '.join(lacking)}")
                yield reader.line_num, {name: row[name].strip() for name in columns}
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{path}: not a csv file") from None


def read_json(path: Path, kind: type) -> Any:
    """The content of a json file.

    Raises:
        InputError: not json, or not of the kind (list or dict).
    """
    try:
        with open_text(path) as file:
            content = json.load(file)
    except ValueError as error:
        raise InputError(f"{path}: not a json file ({error})") from None
    if not isinstance(content, kind) or not content:
        raise InputError(f"{path}: a {kind.__name__} of entries belongs here")
    return content
