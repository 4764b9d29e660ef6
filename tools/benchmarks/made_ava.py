"""Writes synthetic annotations and frame lists of any size in AVA's layout, without pictures."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ava_det.formats.class_map import ClassMap, write_class_map

FIRST = 902  # tick of the first keyframe
CLASSES = ClassMap({k: f"action {k}" for k in range(1, 81)})


def write_made_ava(root: Path, videos: int, keyframes: int, rows: int, frames: int) -> list[Path]:
    """Write `annotations/` like `ava_v2.2_train`, and `frame_lists/train.csv`, below `root`.

    Args:
        root: The folder.
        videos: The number of videos.
        keyframes: The number of keyframes of each video.
        rows: The number of annotation rows; a row is one label.
        frames: The number of frames of each video.

    Returns:
        The paths of the annotations and of the frame list.
    """
    names = [f"made_{k:06d}" for k in range(videos)]  # eleven characters, like YouTube's names
    for folder in ("annotations", "frame_lists"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    write_class_map(root / "annotations" / "ava_action_list_v2.2.pbtxt", CLASSES)
    (root / "annotations" / "ava_train_excluded_timestamps_v2.2.csv").write_text("")
    annotations = root / "annotations" / "ava_train_v2.2.csv"
    with open(annotations, "w") as file:
        file.writelines(_rows(names, keyframes, rows))
    lists = root / "frame_lists" / "train.csv"
    with open(lists, "w") as file:
        file.write("original_vido_id video_id frame_id path labels\n")
        for number, name in enumerate(names):
            lines = (
                f'{name} {number} {k} {name}/{name}_{k + 1:06d}.jpg ""\n' for k in range(frames)
            )
            file.writelines(lines)
    return [annotations, lists]


def _rows(names: list[str], keyframes: int, rows: int) -> Iterator[str]:
    """Yield rows in the order of videos and ticks, with about three labels per person as in AVA."""
    rng = np.random.default_rng(0)
    places = np.sort(rng.integers(len(names) * keyframes, size=rows))
    new = rng.random(rows) < 0.37
    new[1:] |= np.diff(places) != 0
    corners = np.sort(rng.integers(0, 1000, (rows, 2, 2)), axis=1)
    owner = np.maximum.accumulate(np.where(new, np.arange(rows), 0))
    boxes = corners[owner].reshape(rows, 4) / 1000
    actions = rng.integers(1, 81, rows)
    for place, box, action, person in zip(
        places.tolist(), boxes.tolist(), actions.tolist(), owner.tolist(), strict=True
    ):
        video, tick = divmod(place, keyframes)
        corners_text = ",".join(f"{value:g}" for value in box)
        yield f"{names[video]},{FIRST + tick:04d},{corners_text},{action},{person}\n"
