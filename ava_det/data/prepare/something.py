"""Read Something-Something-V2 as published: `labels`, `train` and `validation` as json files.

The names are `labels.json` and so on, or `something-something-v2-labels.json` and so on. The label
of a video is the template without brackets. The id of a video is the name of the file.
"""

from pathlib import Path

from ava_det.data.prepare.published import Annotations, WantedVideo, first_file, read_json
from ava_det.formats.video_lists import read_class_names
from ava_det.structures import InputError

FILES = {"train": "train.json", "val": "validation.json"}
PREFIX = "something-something-v2-"


def read_annotations(folder: Path) -> Annotations:
    """Read training and validation videos; the labels of the test videos are not public."""
    labels = first_file(folder, "labels.json", f"{PREFIX}labels.json")
    classes = tuple(read_class_names(labels).names.values())
    label_of = {name: label for label, name in enumerate(classes)}
    lists = {
        subset: _read_videos(first_file(folder, name, f"{PREFIX}{name}"), label_of)
        for subset, name in FILES.items()
    }
    return Annotations(classes, lists)


def _read_videos(path: Path, label_of: dict[str, int]) -> list[WantedVideo]:
    videos = []
    for number, entry in enumerate(read_json(path, list), 1):
        try:
            template = entry["template"].replace("[", "").replace("]", "")
            videos.append(WantedVideo((str(entry["id"]),), label_of[template]))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: entry {number}: no id and known template ({error})"
            ) from None
    return videos
