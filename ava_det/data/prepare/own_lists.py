"""Read your own lists: `train`, `val` and `test` in any layout of `ava_det.formats.video_lists`.

The folder must also have a file of class names, such as `classes.txt`.
"""

from pathlib import Path

from ava_det.data.prepare.published import Annotations, WantedVideo, first_file
from ava_det.formats.video_lists import (
    CLASS_FILES,
    ListedVideo,
    read_class_names,
    read_video_list,
)
from ava_det.structures import InputError

SUBSETS = ("train", "val", "test")


def read_annotations(folder: Path) -> Annotations:
    """Read all lists that exist."""
    classes = tuple(read_class_names(first_file(folder, *CLASS_FILES)).names.values())
    lists = {}
    for subset in SUBSETS:
        files = [path for s in (".csv", ".txt") if (path := folder / f"{subset}{s}").is_file()]
        for path in files[:1]:
            rows = read_video_list(path, len(classes))
            lists[subset] = [WantedVideo((_without_suffix(row),), row.label) for row in rows]
    if not lists:
        raise InputError(f"{folder}: no list {' or '.join(f'{s}.csv' for s in SUBSETS)} in it")
    return Annotations(classes, lists)


def _without_suffix(row: ListedVideo) -> str:
    return row.path if row.frames is not None else str(Path(row.path).with_suffix(""))
