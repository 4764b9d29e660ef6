"""The published annotations of a recognition set: classes, and lists of videos.

Each data set has a module that reads them (`kinetics`, `something`, `ucf101`, `hmdb51`,
`own_lists`). These modules know possible names of a video file, not the file itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ava_det.formats.json_file import load_json
from ava_det.structures import InputError


@dataclass(frozen=True)
class WantedVideo:
    """A video in a list.

    Attributes:
        names: Possible names of the file, best first: a path below the folder of videos, without a
            suffix, or the end of such a path.
        label: The 0-based class.
    """

    names: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class Annotations:
    """A recognition set as published.

    Attributes:
        classes: The names of the classes, in the order of the labels.
        lists: The videos of "train", "split1_test" and so on.
    """

    classes: tuple[str, ...]
    lists: Mapping[str, Sequence[WantedVideo]]


ReadAnnotations = Callable[[Path], Annotations]


def first_file(folder: Path, *names: str) -> Path:
    """Return the first of the named files that exists in a folder.

    Raises:
        InputError: The folder has none of the files.
    """
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise InputError(f"{folder}: no {' or '.join(names)} in it")
    return found


def read_json(path: Path, kind: type) -> Any:
    """Read a json file.

    Raises:
        InputError: The file is not json, or the content is empty or not of type `kind`.
    """
    content = load_json(path)
    if not isinstance(content, kind) or not content:
        raise InputError(f"{path}: expected a {kind.__name__} with entries")
    return content
