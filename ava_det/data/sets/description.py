"""Describe your own data set in a small TOML file; the path of the file is the data set's name.

    annotations = "train.csv"       # AVA rows (default: every tick of every video, no people)
    class_map = "classes.pbtxt"     # the classes (default: people without actions)
    videos = "videos"               # NAME.mp4 (or .avi, .mkv ...); NAME may have folders
    rate = 1.0                      # ticks per second (default: a tick is a frame, from 0)
    start = 900                     # the tick at the beginning of a video (default: 0)

    evaluated = "counted.pbtxt"     # the classes to evaluate (default: all)
    excluded = "excluded.csv"       # video,tick of keyframes to leave out
    included = "ticks.txt"          # the ticks to use, one per line (default: all)
    sizes = "sizes.csv"             # video,width,height of the annotated pictures, for a check

    frames = "frames"               # instead of videos: a folder of JPEG frames,
    frame_lists = "train_list.csv"  # one or several frame lists of PySlowFast,
    frame_rate = 30.0               # and the frame rate (default: 30)

Paths are relative to the file. Use the description with `--dataset my/train.toml`, or in a config
with `data.train=my/train.toml data.test=my/test.toml`.
"""

import os
import reprlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ava_det.data.sets.ava import AvaFiles
from ava_det.formats.atomic import read_text
from ava_det.formats.errors import naming
from ava_det.formats.nearest import meant, meant_file
from ava_det.structures import LARGEST_TICK, RATES, Clock, InputError
from ava_det.video.files import video_files
from ava_det.video.frame_folders import FrameFolder

SUFFIX = ".toml"
NUMBER = (int, float)
_MOST_BYTES = 1 << 20  # of the file
_KINDS: dict[str, tuple[type, ...]] = {
    "annotations": (str,),
    "class_map": (str,),
    "videos": (str,),
    "rate": NUMBER,
    "start": (int,),
    "evaluated": (str,),
    "excluded": (str,),
    "included": (str,),
    "sizes": (str,),
    "frames": (str,),
    "frame_lists": (str, list),
    "frame_rate": NUMBER,
}
_NEEDS = {  # keys that need another key
    "evaluated": "class_map",
    "excluded": "annotations",
    "included": "annotations",
    "sizes": "annotations",
    "frame_lists": "frames",
    "frame_rate": "frames",
    "frames": "frame_lists",
}


@dataclass(frozen=True)
class Description:
    """The content of a description file, with paths that include the folder of the file.

    Attributes:
        path: The description file.
        pictures: The folder of videos, or frames.
        annotations: The csv in AVA's format; None: every tick of every video, without people.
        class_map: The list of classes; None: no classes.
        clock: Converts ticks to seconds.
        evaluated: The list of the classes that are evaluated; None: all.
        excluded: A csv of keyframes to leave out.
        included: The list of the ticks to use; None: all.
        sizes: A csv of the frame sizes on which the boxes were drawn; None: unknown.
    """

    path: Path
    pictures: Path | FrameFolder
    annotations: Path | None
    class_map: Path | None
    clock: Clock
    evaluated: Path | None = None
    excluded: Path | None = None
    included: Path | None = None
    sizes: Path | None = None

    def files(self) -> AvaFiles | None:
        """Return the files as those of a set with AVA's layout; None without annotations."""
        if self.annotations is None:
            return None
        return AvaFiles(
            annotations=self.annotations,
            class_map=self.class_map or Path(),
            pictures=self.pictures,
            clock=self.clock,
            evaluated=self.evaluated,
            excluded=self.excluded,
            included=self.included,
            sizes=self.sizes,
            find=video_files,
        )


def read_description(path: Path) -> Description:
    """Read a description file.

    Raises:
        InputError: The file is not a valid description, or names a file that does not exist.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file{meant_file(path)}")
    try:
        fields = tomllib.loads(read_text(path, _MOST_BYTES))
    except (ValueError, RecursionError) as error:  # numbers of 5,000 digits, lists of lists
        raise InputError(f"{path}: not TOML ({error})") from error
    with naming(path):  # a hexadecimal number may have more digits than can be shown
        _check_fields(path, fields)
    return Description(
        path=path,
        pictures=_pictures(path, fields),
        annotations=_beside(path, fields, "annotations"),
        class_map=_beside(path, fields, "class_map"),
        clock=Clock(rate=fields.get("rate"), start=fields.get("start", 0)),
        evaluated=_beside(path, fields, "evaluated"),
        excluded=_beside(path, fields, "excluded"),
        included=_beside(path, fields, "included"),
        sizes=_beside(path, fields, "sizes"),
    )


def _check_fields(path: Path, fields: Mapping[str, Any]) -> None:
    for key, value in fields.items():
        if key not in _KINDS:
            takes = ", ".join(_KINDS) + meant(key, _KINDS)
            raise InputError(f"{path}: {reprlib.repr(key)} is unknown; known keys are {takes}")
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool):
            kinds = " or ".join(kind.__name__ for kind in _KINDS[key])
            raise InputError(f"{path}: {key} is {reprlib.repr(value)}, not of {kinds}")
        if isinstance(value, str) and "\0" in value:
            raise InputError(f"{path}: {key} is {reprlib.repr(value)}, which is no valid file name")
        if _NEEDS.get(key, key) not in fields:
            raise InputError(f"{path}: {key} needs {_NEEDS[key]}, which is missing")
    for key, what in (("rate", "ticks"), ("frame_rate", "frames")):
        if key in fields and not RATES[0] <= fields[key] <= RATES[1]:
            number = reprlib.repr(fields[key])
            raise InputError(f"{path}: {key} is {number}, not a number of {what} a second")
    if abs(fields.get("start", 0)) > LARGEST_TICK:
        raise InputError(f"{path}: start is {reprlib.repr(fields['start'])}, too large for a tick")
    if "videos" in fields and "frames" in fields:
        raise InputError(f"{path}: has both videos and frames; the pictures are one of them")
    if "videos" not in fields and "frames" not in fields:
        raise InputError(
            f"{path}: does not say where the videos are (videos = ..., or frames = ... and "
            "frame_lists = ...)"
        )


def _pictures(path: Path, fields: Mapping[str, Any]) -> Path | FrameFolder:
    if "videos" in fields:
        return _folder(path, "videos", fields["videos"])
    lists = fields["frame_lists"]
    lists = lists if isinstance(lists, list) else [lists]
    if not lists or not all(isinstance(name, str) and "\0" not in name for name in lists):
        raise InputError(
            f"{path}: frame_lists is {reprlib.repr(lists)}, not one or more names of files"
        )
    whole = tuple(_file(path, "frame_lists", name) for name in lists)
    folder = _folder(path, "frames", fields["frames"])
    return FrameFolder(folder, whole, float(fields.get("frame_rate", 30)))


def _beside(path: Path, fields: Mapping[str, Any], key: str) -> Path | None:
    return _file(path, key, fields[key]) if key in fields else None


def _file(path: Path, key: str, name: str) -> Path:
    """Return the file that a key names; `name` may lack `.gz`."""
    file = path.parent / name
    for candidate in (file, f"{file}.gz"):
        if os.path.isfile(candidate):
            return Path(candidate)
    raise InputError(f"{path}: {key} names {file}, which is no file")


def _folder(path: Path, key: str, name: str) -> Path:
    """Return the folder that a key names."""
    folder = path.parent / name
    if not os.path.isdir(folder):
        raise InputError(f"{path}: {key} names {folder}, which is no folder")
    return folder
