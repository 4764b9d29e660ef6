"""The rendered actors as files: videos, AVA rows, and the two data sets made of them.

`prepare` makes this tree from a seed:

    settings.json                           the arguments of `prepare`
    class_map.pbtxt                         ids, names and groups
    scenes.csv                              video,scene
    train.csv  test.csv                     AVA rows; the ticks are those of `CLOCK`
    clips_train.csv  clips_test.csv         video,action: one person, one action, no boxes
    swapped.csv  clips_swapped.csv          optional: the tests at places of other actions
    videos/NAME.mp4                         H.264
"""

import csv
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
from tqdm import tqdm

from ava_det.data.actors.actions import SOLO_ACTIONS, class_map
from ava_det.data.actors.produce import (
    CLOCK,
    SUBSETS,
    SceneBias,
    Sizes,
    annotate,
    places,
    scene_rule,
    scripts,
    write_video,
)
from ava_det.data.actors.scenes import SCENES
from ava_det.data.actors.script import Script
from ava_det.data.sets.ava import AvaFiles
from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.keyframes import Keyframes, pack
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.formats.atomic import atomic_text
from ava_det.formats.ava_csv import (
    read_ground_truth,
    table_of,
    write_ground_truth,
)
from ava_det.formats.class_map import write_class_map
from ava_det.formats.csv_file import named_rows
from ava_det.formats.settings import claim
from ava_det.structures import InputError, LabelledVideo, PersonBoxes

EDITION = 1  # raise this when the same seed gives other pictures or labels
_UNWRITTEN = {"scene_bias": 0.0, "swapped": 0, "clips_swapped": 0, "clip_places": len(SCENES)}


def prepare(
    root: Path,
    sizes: Sizes | None = None,
    seed: int = 0,
    scene_bias: float | None = None,
    workers: int | None = None,
) -> None:
    """Make the tree above, or the missing parts of the tree.

    The same arguments give the same pictures and rows for any number of processes.

    Args:
        root: The folder of the tree.
        sizes: The number of videos and so on; None is `Sizes()`.
        seed: The seed of everything.
        scene_bias: How strongly the place depends on the action in training, from 0 to 1. With 0
            the places are still those of the actions, so that both are comparable. None: any place.
        workers: The number of processes; None is one per core.

    Raises:
        InputError: The folder holds actors with other settings.
    """
    sizes = sizes or Sizes()
    subsets = [subset for subset in SUBSETS if getattr(sizes, subset)]
    rule = scene_rule(sizes, scene_bias)
    plans = {subset: scripts(subset, sizes, seed, rule) for subset in subsets}
    settings = {"edition": EDITION, "seed": seed, "scene_bias": scene_bias or 0.0, **asdict(sizes)}
    if isinstance(rule, SceneBias):
        settings["clip_places"] = len(places("clips_train"))
    _keep_scenes(root, claim(root, settings, _UNWRITTEN), plans)
    tables = [root / f"{subset}.csv" for subset in subsets]
    everything = [script for plan in plans.values() for script in plan]
    if all(path.exists() for path in tables) and not _missing(root, everything):
        return
    write_class_map(root / "class_map.pbtxt", class_map())
    people = _make_videos(root, everything, sizes, workers or os.cpu_count() or 1)
    for (subset, plan), path in zip(plans.items(), tables, strict=True):
        if subset.startswith("clips_"):
            labels = [(script.video, script.actors[0].action_ids[-1]) for script in plan]
            _write_rows(path, [("video", "action"), *labels])
        else:
            groups = [group for script in plan for group in people[script.video]]
            write_ground_truth(path, table_of(groups))


def _keep_scenes(root: Path, noted: bool, plans: dict[str, list[Script]]) -> None:
    """Write the scene of every video, or check the scenes in a folder that has settings."""
    path, rows = root / "scenes.csv", [("video", "scene")]
    rows += [(script.video, script.scene) for plan in plans.values() for script in plan]
    if not noted or not path.exists():
        _write_rows(path, rows)
    elif _read_rows(path, "scene") != rows[1:]:
        raise InputError(
            f"{path}: the scenes of the videos differ from those asked for: use another folder"
        )


def _path(root: Path, video: str) -> Path:
    return root / "videos" / f"{video}.mp4"


def _missing(root: Path, plan: Iterable[Script]) -> bool:
    return not all(_path(root, script.video).exists() for script in plan)


def _make_videos(
    root: Path, plan: list[Script], sizes: Sizes, workers: int
) -> dict[str, list[PersonBoxes]]:
    """Write the missing videos; return the people on the keyframes of all videos."""
    (root / "videos").mkdir(exist_ok=True)
    make = partial(_make_video, root, sizes)
    bar = partial(tqdm, total=len(plan), desc="rendering actors", unit="video")
    if workers == 1:
        return dict(bar(map(make, plan)))
    # Spawn, because a fork of a process with threads (such as torch's) may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        return dict(bar(pool.map(make, plan, chunksize=4)))


def _make_video(root: Path, sizes: Sizes, script: Script) -> tuple[str, list[PersonBoxes]]:
    """Write one video if it is missing; return the name and the people on the keyframes."""
    path = _path(root, script.video)
    if not path.exists():
        write_video(path, script, sizes)
    return script.video, annotate(script, sizes)


def load_keyframes(root: Path, split: str) -> Keyframes:
    """Read the detection set.

    Args:
        root: The folder of the tree above.
        split: "train", "test" or "swapped".

    Raises:
        InputError: The tree was not prepared, or a row is malformed.
    """
    path = _prepared(root / f"{split}.csv")
    table = read_ground_truth(path)
    return pack(table, {str(name): str(_path(root, name)) for name in table["video"].unique()})


def load_videos(root: Path, split: str) -> LabelledVideos:
    """Read the classification set; a label is an index into `class_map(SOLO_ACTIONS)`.

    Args:
        root: The folder of the tree above.
        split: "train", "test" or "swapped".

    Raises:
        InputError: The tree was not prepared, or a row is malformed.
    """
    path = _prepared(root / f"clips_{split}.csv")
    ids = {str(action): k for k, action in enumerate(class_map(SOLO_ACTIONS).ids)}
    videos = []
    for number, (video, action) in enumerate(_read_rows(path, "action"), start=2):
        if action not in ids:
            raise InputError(
                f"{path}: row {number}: {action!r} is not an action of a single person"
            )
        videos.append(LabelledVideo(video, str(_path(root, video)), ids[action]))
    return LabelledVideos(videos)


def _prepared(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: not found; render the actors first (datasets/prepare_actors.py)")
    return path


def datasets(root: Path, name: str = "actors") -> Iterator[DataSet]:
    """Yield the sets `actors_train`, `actors_clips_train` and so on, rendered or not.

    Args:
        root: The folder of the tree above.
        name: The beginning of the names of the sets.
    """
    for split in ("train", "test", "swapped"):
        files = AvaFiles(root / f"{split}.csv", root / "class_map.pbtxt", root / "videos", CLOCK)
        yield DataSet(
            f"{name}_{split}",
            class_map,
            CLOCK,
            load_keyframes=partial(load_keyframes, root, split),
            parts=(files,),
        )
        yield DataSet(
            f"{name}_clips_{split}",
            partial(class_map, SOLO_ACTIONS),
            CLOCK,
            load_videos=partial(load_videos, root, split),
        )


def _write_rows(path: Path, rows: Iterable[tuple[str | int, ...]]) -> None:
    with atomic_text(path) as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _read_rows(path: Path, second: str) -> list[tuple[str, str]]:
    """Read the column `video` and the column `second` of a csv.

    Raises:
        InputError: The file is not such a csv, or a row lacks a column.
    """
    return [(row["video"], row[second]) for _, row in named_rows(path, ("video", second))]
