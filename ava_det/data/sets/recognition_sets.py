"""Recognition data sets: lists of videos, and a file with the names of the classes.

You get this tree from `datasets/prepare_recognition.py`, or make it by hand:

    NAME/
      classes.csv          the names of the classes (or classes.txt, .json, .pbtxt)
      train.csv  val.csv   lists of videos (`ava_det.formats.video_lists`)
      videos/...

The path of any list file is the name of a data set too. If the folder has no file of class names,
the labels are the names.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.formats.class_map import ClassMap
from ava_det.formats.video_lists import CLASS_FILES, read_class_names, read_video_list
from ava_det.structures import FRAME_CLOCK, InputError, LabelledVideo

_HALVES = ("train", "val")
_SPLITS = tuple(f"split{n}_{subset}" for n in (1, 2, 3) for subset in ("train", "test"))
# The folder of each set, and the lists in the folder.
LISTS: dict[str, tuple[str, ...]] = {
    "kinetics400": _HALVES,
    "kinetics600": _HALVES,
    "kinetics700": _HALVES,
    "mini_kinetics200": _HALVES,
    "something_v2": _HALVES,
    "ucf101": _SPLITS,
    "hmdb51": _SPLITS,
}


def datasets(root: Path) -> Iterator[DataSet]:
    """Yield the sets `kinetics400_train` and so on, below `root`."""
    for folder, lists in LISTS.items():
        for name in lists:
            yield dataset(f"{folder}_{name}", root / folder / f"{name}.csv")


def dataset(name: str, path: Path) -> DataSet:
    """Make the data set of a list file."""
    classes, videos = partial(load_class_map, path), partial(load_videos, path)
    return DataSet(name, classes, FRAME_CLOCK, load_videos=videos)


def load_videos(path: Path) -> LabelledVideos:
    """Read the videos of a list; paths are relative to the folder of the list.

    Raises:
        InputError: The list is missing, a row is malformed, or a label has no class name.
    """
    rows = read_video_list(_found(path), len(load_class_map(path)))
    if any(row.frames is not None for row in rows):
        raise InputError(
            f"{path}: lists folders of frames; datasets/prepare_recognition.py makes videos of them"
        )
    return LabelledVideos(
        [LabelledVideo(row.path, str(path.parent / row.path), row.label) for row in rows]
    )


def load_class_map(path: Path) -> ClassMap:
    """Return the classes of a list: from the file in the same folder, or else from the labels."""
    for name in CLASS_FILES:
        if (path.parent / name).exists():
            return read_class_names(path.parent / name)
    labels = {row.label for row in read_video_list(_found(path))}
    return ClassMap({k + 1: str(k) for k in range(max(labels) + 1)})


def _found(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: not found; see datasets/README.md")
    return path
