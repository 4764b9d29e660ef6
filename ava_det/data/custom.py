"""Anybody's data set, described by a small TOML file, whose path is its name everywhere.

    annotations = "train.csv"       # AVA's rows; left out: every tick of every video, no people
    class_map = "classes.pbtxt"     # left out: no actions, only people
    videos = "videos"               # NAME.mp4 (or .avi, .mkv ...), folders are part of the name
    rate = 1.0                      # ticks a second; left out: a tick is a frame, counted from 0
    start = 900                     # the tick at the beginning of a video; left out: 0

Paths are relative to the file. `--dataset my/train.toml`, or in a config
`dataloader.train.dataset=my/train.toml`, is all that it takes.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from detectron2.data import DatasetCatalog, MetadataCatalog

from ava_det.data.video import VideoReader
from ava_det.data.video_files import video_files
from ava_det.formats.ava_csv import people_by_keyframe, read_ground_truth
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.structures import AnnotatedKeyframe, Clock, InputError, Keyframe, PersonBoxes

SUFFIX = ".toml"
_KINDS: dict[str, tuple[type, ...]] = {
    "annotations": (str,),
    "class_map": (str,),
    "videos": (str,),
    "rate": (int, float),
    "start": (int,),
}


@dataclass(frozen=True)
class Description:
    """What a description file says, paths made whole.

    Attributes:
        path: of the file itself.
        videos: the folder of videos.
        annotations: AVA's csv, or None: every tick of every video.
        class_map: the list of classes, or None: there are none.
        clock: what a tick is.
    """

    path: Path
    videos: Path
    annotations: Path | None
    class_map: Path | None
    clock: Clock


def register(name: str) -> None:
    """Put the data set that the file `name` describes into detectron2's catalogs, under that name.

    Raises:
        InputError: the file cannot be read, or describes none.
    """
    description = read_description(Path(name))
    classes = ClassMap({1: "person"})
    if description.class_map:
        classes = read_class_map(description.class_map)
    DatasetCatalog.register(name, partial(load_keyframes, description))
    MetadataCatalog.get(name).set(class_map=classes, clock=description.clock)


def read_description(path: Path) -> Description:
    """Read a description file.

    Raises:
        InputError: what is wrong with it.
    """
    try:
        fields = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})") from error
    for key, value in fields.items():
        if key not in _KINDS:
            raise InputError(f"{path}: {key!r} is unknown; it takes {', '.join(_KINDS)}")
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool):
            kinds = " or ".join(kind.__name__ for kind in _KINDS[key])
            raise InputError(f"{path}: {key} is {value!r}, not of {kinds}")
    if "videos" not in fields:
        raise InputError(f"{path}: does not say where the videos are (videos = ...)")
    if "rate" in fields and not 0 < fields["rate"] < float("inf"):
        raise InputError(f"{path}: rate is {fields['rate']}, not a number of ticks a second")
    return Description(
        path=path,
        videos=path.parent / fields["videos"],
        annotations=_beside(path, fields, "annotations"),
        class_map=_beside(path, fields, "class_map"),
        clock=Clock(rate=fields.get("rate"), start=fields.get("start", 0)),
    )


def _beside(path: Path, fields: dict[str, Any], key: str) -> Path | None:
    return path.parent / fields[key] if key in fields else None


def load_keyframes(description: Description) -> list[AnnotatedKeyframe]:
    """The keyframes of a described data set, those of a video together.

    Raises:
        InputError: a video without a file, a keyframe outside its video, a bad row.
    """
    files = video_files(description.videos)
    reader = VideoReader()
    if description.annotations is None:
        ticks = {
            name: _all_ticks(reader.times(path), description.clock) for name, path in files.items()
        }
        everyone = [
            PersonBoxes.nobody(Keyframe(n, tick)) for n, found in ticks.items() for tick in found
        ]
        return [AnnotatedKeyframe(str(files[k.keyframe.video]), k) for k in everyone]
    people = people_by_keyframe(read_ground_truth(description.annotations))
    by_video: dict[str, list[PersonBoxes]] = {}
    for keyframe, group in people.items():
        by_video.setdefault(keyframe.video, []).append(group)
    records = []
    for video, groups in by_video.items():
        if video not in files:
            raise InputError(
                f"{description.annotations}: video {video!r} is not in {description.videos}"
            )
        inside = _inside(reader.times(files[video]), description.clock)
        for group in groups:
            if not inside(group.keyframe.tick):
                where = f"{description.annotations}: tick {group.keyframe.tick}"
                raise InputError(f"{where} is outside {files[video]}")
            records.append(AnnotatedKeyframe(str(files[video]), group))
    return records


def _inside(times: np.ndarray, clock: Clock) -> Callable[[int], bool]:
    """Whether a tick lies in a file of frames at `times`, or at most 1.5 frames after the last."""
    if clock.rate is None:
        return lambda tick: 0 <= tick - clock.start < len(times)
    frame = (times[-1] - times[0]) / max(len(times) - 1, 1)
    return lambda tick: 0 <= clock.seconds(tick) <= times[-1] + max(frame, 1e-3) * 1.5


def _all_ticks(times: np.ndarray, clock: Clock) -> list[int]:
    if clock.rate is None:
        return [clock.start + k for k in range(len(times))]
    return [clock.start + k for k in range(int(times[-1] * clock.rate + 1e-6) + 1)]
