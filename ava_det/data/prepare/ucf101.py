"""Read UCF101 as published: `classInd.txt`, and `trainlist01.txt`, `testlist01.txt` and so on.

A row is `Class/v_Class_g01_c01.avi`. Training rows also have the number of the class in
`classInd.txt`, which must agree with the name of the folder.
"""

from pathlib import Path

from ava_det.data.prepare.published import Annotations, WantedVideo, first_file
from ava_det.formats.csv_file import full_lines
from ava_det.formats.video_lists import read_class_names
from ava_det.structures import InputError


def read_annotations(folder: Path) -> Annotations:
    """Read all splits that have lists."""
    classes = tuple(read_class_names(first_file(folder, "classInd.txt")).names.values())
    lists = {
        f"split{split}_{subset}": _read_videos(path, classes)
        for split in (1, 2, 3)
        for subset in ("train", "test")
        if (path := folder / f"{subset}list{split:02d}.txt").is_file()
    }
    if not lists:
        raise InputError(f"{folder}: no trainlist01.txt and so on in it")
    return Annotations(classes, lists)


def _read_videos(path: Path, classes: tuple[str, ...]) -> list[WantedVideo]:
    videos = []
    for number, line in full_lines(path):
        name, *label = line.split()
        action = name.split("/")[0]
        if action not in classes:
            raise InputError(f"{path}: row {number}: {action!r} is not in classInd.txt")
        if label and label != [str(classes.index(action) + 1)]:
            raise InputError(f"{path}: row {number}: {action} has another number in classInd.txt")
        videos.append(WantedVideo((str(Path(name).with_suffix("")),), classes.index(action)))
    return videos
