"""Read the published lists of Kinetics-400, -600, -700 and Mini-Kinetics-200.

A folder has `train` and `val` (or `validate`) as csv `label,youtube_id,time_start,time_end,split`
or as json `{youtube_id: {"annotations": {"label": ..., "segment": [start, end]}}}`. For
Mini-Kinetics-200, the folder has the lists of Kinetics-400, and `train_ytid_list.txt` and
`val_ytid_list.txt` with one YouTube id per line.

The name of a video file is ID_SSSSSS_EEEEEE (seconds of start and end), or ID. Classes are in
alphabetical order.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ava_det.data.prepare.published import (
    Annotations,
    WantedVideo,
    first_file,
    read_json,
)
from ava_det.formats.csv_file import full_lines, named_rows
from ava_det.structures import InputError

COLUMNS = ("label", "youtube_id", "time_start", "time_end")
FILES = {
    subset: tuple(f"{name}{suffix}" for name in names for suffix in (".csv", ".json"))
    for subset, names in {"train": ("train",), "val": ("val", "validate")}.items()
}


class _Clip(NamedTuple):
    label: str
    youtube_id: str
    start: int
    end: int

    @property
    def names(self) -> tuple[str, ...]:
        """Return the possible names of the video file, without a suffix."""
        return f"{self.youtube_id}_{self.start:06d}_{self.end:06d}", self.youtube_id


def read_annotations(folder: Path) -> Annotations:
    """Read Kinetics-400, -600 or -700."""
    clips = {subset: _read_clips(first_file(folder, *FILES[subset])) for subset in FILES}
    return _annotations(clips)


def read_mini_annotations(folder: Path) -> Annotations:
    """Read Mini-Kinetics-200: the videos of Kinetics-400 that two lists name."""
    everything: dict[str, _Clip] = {}
    for subset in FILES:
        for clip in _read_clips(first_file(folder, *FILES[subset])):
            everything.setdefault(clip.youtube_id, clip)
    clips: dict[str, list[_Clip]] = {}
    for subset in FILES:
        path = first_file(folder, f"{subset}_ytid_list.txt")
        clips[subset] = []
        for number, youtube_id in full_lines(path):
            if youtube_id not in everything:
                raise InputError(
                    f"{path}: row {number}: {youtube_id} is not in Kinetics-400's lists"
                )
            clips[subset].append(everything[youtube_id])
    return _annotations(clips)


def _annotations(clips: dict[str, list[_Clip]]) -> Annotations:
    classes = tuple(sorted({clip.label for some in clips.values() for clip in some}))
    label_of = {name: label for label, name in enumerate(classes)}
    lists = {
        subset: [WantedVideo(clip.names, label_of[clip.label]) for clip in some]
        for subset, some in clips.items()
    }
    return Annotations(classes, lists)


def _read_clips(path: Path) -> list[_Clip]:
    rows = _json_rows(path) if path.suffix == ".json" else _csv_rows(path)
    clips = []
    for where, label, youtube_id, start, end in rows:
        try:
            clips.append(_Clip(label, youtube_id, int(float(start)), int(float(end))))
        except (ValueError, OverflowError):
            raise InputError(f"{path}: {where}: no seconds: {start!r}, {end!r}") from None
    if not clips:
        raise InputError(f"{path}: lists no video")
    return clips


def _csv_rows(path: Path) -> Iterator[tuple[str, ...]]:
    for number, row in named_rows(path, COLUMNS):
        yield f"row {number}", *(row[name] for name in COLUMNS)


def _json_rows(path: Path) -> Iterator[tuple[str, ...]]:
    for youtube_id, entry in read_json(path, dict).items():
        try:
            annotation = entry["annotations"]
            start, end = annotation["segment"]
            yield youtube_id, str(annotation["label"]), youtube_id, str(start), str(end)
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{path}: {youtube_id}: no label and segment") from None
