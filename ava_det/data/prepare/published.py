"""What the published annotations of a recognition set say: its classes, and its lists of videos.

A module a data set reads them (`kinetics`, `something`, `ucf101`, `hmdb51`, `own_lists`); they know
no file of a video, only under which names one may be found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ava_det.formats.json_file import load_json
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


def read_json(path: Path, kind: type) -> Any:
    """The content of a json file.

    Raises:
        InputError: not json, or not of the kind (list or dict).
    """
    content = load_json(path)
    if not isinstance(content, kind) or not content:
        raise InputError(f"{path}: a {kind.__name__} of entries belongs here")
    return content
