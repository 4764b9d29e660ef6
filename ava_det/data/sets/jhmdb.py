"""JHMDB: 928 short clips, 21 actions, one person with a box on every frame, three splits.

The files (`datasets/README.md`) are `videos/ACTION/NAME.mp4`, `annotations.csv` with
`video,frame,x1,y1,x2,y2,action` (0-based frames; inclusive pixel corners of 320 x 240) and
`splits.json` with `{"1": {"train": [video, ...], "test": [...]}, ...}`.

Without these files, the published ones are used: `JHMDB-GT.pkl` with the annotations and splits of
the ACT detector, and video files `NAME.*` at any depth below `videos/` or `ReCompress_Videos/`, or
frames `Frames/ACTION/NAME/00001.png`. The pickle has inclusive corners like the csv, and 1-based
frames.

A tick is a frame, at the presentation time of the frame.
"""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.boxes import clip_relative, to_relative
from ava_det.data.sets.annotated import Annotated, Pictures
from ava_det.data.sets.box_table import numbers_of, read_box_table, require_there
from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.keyframes import Keyframes, keyframes_of
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.data.sets.tubes import annotated_tubes, files_of, path_of, set_keyframes
from ava_det.formats.class_map import ClassMap
from ava_det.formats.csv_file import shown
from ava_det.formats.json_file import load_json
from ava_det.formats.tube_pickle import AnnotatedTube, read_tube_pickle
from ava_det.structures import (
    FRAME_CLOCK,
    AnnotatedKeyframe,
    InputError,
    Keyframe,
    LabelledVideo,
    PersonBoxes,
)
from ava_det.video.files import video_files
from ava_det.video.frame_folders import FrameFolder, folders_of
from ava_det.video.video import VideoReader

PICKLE, CSV, SPLITS = "JHMDB-GT.pkl", "annotations.csv", "splits.json"
HEIGHT, WIDTH = 240, 320  # the frame size that boxes refer to
COLUMNS = ["video", "frame", "x1", "y1", "x2", "y2", "action"]
# fmt: off
ACTIONS = (
    "brush_hair", "catch", "clap", "climb_stairs", "golf", "jump", "kick_ball", "pick", "pour",
    "pullup", "push", "run", "shoot_ball", "shoot_bow", "shoot_gun", "sit", "stand",
    "swing_baseball", "throw", "walk", "wave",
)
# fmt: on
CLASS_MAP = ClassMap(names=dict(enumerate(ACTIONS, start=1)), groups={})

logger = logging.getLogger(__name__)


def datasets(root: Path) -> Iterator[DataSet]:
    """Yield the sets `jhmdb_split1_train`, `jhmdb_clips_split1_train` and so on, below `root`."""
    frames = folders_of(pictures(root))
    for split in (1, 2, 3):
        for subset in ("train", "test"):
            yield DataSet(
                f"jhmdb_split{split}_{subset}",
                lambda: CLASS_MAP,
                FRAME_CLOCK,
                load_keyframes=partial(load_keyframes, root, split, subset),
                frame_folders=frames,
                annotated=partial(annotated, root, split, subset),
            )
            yield DataSet(
                f"jhmdb_clips_split{split}_{subset}",
                lambda: CLASS_MAP,
                FRAME_CLOCK,
                load_videos=partial(load_videos, root, split, subset),
                frame_folders=frames,
            )


def load_videos(root: Path, split: int, subset: str) -> LabelledVideos:
    """Read the classification set.

    Args:
        root: The folder of the files above.
        split: 1, 2 or 3.
        subset: "train" or "test".
    """
    if _published(root, SPLITS):
        source = pictures(root)
        files, tubes = files_of(source), _tubes(root, split, subset)
        return LabelledVideos(
            [
                LabelledVideo(video, path_of(files, source, video), its[0].label)
                for video, its in tubes.items()
            ]
        )
    items = []
    for video in _read_split(root, split, subset):
        action = video.split("/")[0]
        if action not in ACTIONS:
            raise InputError(f"{root / SPLITS}: video {video!r} has no JHMDB action as its folder")
        items.append(LabelledVideo(video, str(_path(root, video)), ACTIONS.index(action)))
    return LabelledVideos(items)


def load_keyframes(root: Path, split: int, subset: str) -> Keyframes:
    """Read the detection set: every annotated frame that the video file has.

    Some videos have more annotated frames than frames. Rows beyond the end of a video are left out,
    with a warning.

    Args:
        root: The folder of the files above.
        split: 1, 2 or 3.
        subset: "train" or "test".
    """
    if _published(root, CSV):
        tubes = _tubes(root, split, subset)
        return set_keyframes(pictures(root), tubes, (HEIGHT, WIDTH), keep_empty=False)
    wanted = _read_split(root, split, subset)
    table = _read_annotations(root / CSV)
    rows_of = {str(video): rows for video, rows in table.groupby("video", sort=False)}
    reader = VideoReader()
    items: list[AnnotatedKeyframe] = []
    for video in wanted:
        if video not in rows_of:
            raise InputError(f"{root / CSV}: no row of video {video}")
        path = str(_path(root, video))
        frames = len(reader.times(path))
        rows = rows_of[video]
        beyond = int((rows.frame >= frames).sum())
        if beyond:
            logger.warning("%s has %d annotated frames and %d frames", video, len(rows), frames)
        items += [AnnotatedKeyframe(path, people) for people in _people(rows[rows.frame < frames])]
    return keyframes_of(items)


def annotated(root: Path, split: int, subset: str) -> Annotated:
    """Read all annotated rows, including rows beyond the end of a video.

    Args:
        root: The folder of the files above.
        split: 1, 2 or 3.
        subset: "train" or "test".
    """
    if _published(root, CSV):
        tubes = _tubes(root, split, subset)
        size = dict.fromkeys(tubes, (HEIGHT, WIDTH))
        return annotated_tubes(root / PICKLE, pictures(root), tubes, size, keep_empty=False)
    path = root / CSV
    table = _read_annotations(path)
    table.index = pd.RangeIndex(2, 2 + len(table), name="row")
    table = table[table["video"].isin(_read_split(root, split, subset))]
    boxes = _unclipped(table)
    corners = {name: boxes[:, k] for k, name in enumerate(("x1", "y1", "x2", "y2"))}
    actions = table["action"].map({name: k for k, name in enumerate(ACTIONS, start=1)})
    table = table.assign(**corners, action=actions, person=0).rename(columns={"frame": "tick"})
    videos = root / "videos"
    files = {name: file for name, file in video_files(videos).items() if file.suffix == ".mp4"}
    sizes = dict.fromkeys(table["video"], (WIDTH, HEIGHT))
    found = Pictures(videos, files, FRAME_CLOCK, sizes=sizes)
    return Annotated(path, table.astype({"video": "category"}), found)


def pictures(root: Path) -> Path | FrameFolder:
    """Return the folder of the published videos or frames; video files come first."""
    files, frames = (root / "videos", root / "ReCompress_Videos"), root / "Frames"
    there = [folder for folder in files if folder.is_dir()]
    return FrameFolder(frames) if frames.is_dir() and not there else (there or files)[0]


def _published(root: Path, name: str) -> bool:
    """Return whether the published pickle exists and the file `name` does not."""
    return not (root / name).is_file() and (root / PICKLE).is_file()


def _tubes(root: Path, split: int, subset: str) -> dict[str, list[AnnotatedTube]]:
    """Read the published tubes; boxes end after the last pixel."""
    path = root / PICKLE
    found = read_tube_pickle(path)
    if tuple(found.labels) != ACTIONS:
        raise InputError(f"{path}: the labels differ from the 21 of JHMDB")
    splits = found.splits[subset]
    if split > len(splits):
        raise InputError(f"{path}: no split {split} {subset}, only {len(splits)}")
    inside = np.array([0.0, 0.0, 1.0, 1.0])
    tubes = {}
    for video in splits[split - 1]:
        its = found.tubes[video]
        if len({tube.label for tube in its}) != 1:
            raise InputError(f"{path}: video {video!r} has no tube, or tubes of several actions")
        tubes[video] = [AnnotatedTube(t.label, t.frames, t.boxes + inside) for t in its]
    return tubes


def _people(rows: pd.DataFrame) -> list[PersonBoxes]:
    boxes = _relative(rows)
    actions = [ACTIONS.index(action) + 1 for action in rows.action]
    return [
        PersonBoxes(
            keyframe=Keyframe(str(video), int(frame)),
            boxes=box[None],
            actions=((action,),),
            scores=np.ones(1),
            person_ids=np.zeros(1, np.int64),
        )
        for video, frame, box, action in zip(rows.video, rows.frame, boxes, actions, strict=True)
    ]


def _relative(rows: pd.DataFrame) -> np.ndarray:
    """Return relative boxes (N, 4), clipped to the frame."""
    return clip_relative(_unclipped(rows))


def _unclipped(rows: pd.DataFrame) -> np.ndarray:
    """Return relative boxes (N, 4), not clipped."""
    boxes = rows[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    boxes[:, 2:] += 1  # the annotated corner is the last pixel inside
    return to_relative(boxes, HEIGHT, WIDTH)


def _read_split(root: Path, split: int, subset: str) -> list[str]:
    path = require_there(root / SPLITS)
    try:
        videos = load_json(path)[str(split)][subset]
    except (LookupError, TypeError) as error:
        raise InputError(f"{path}: no split {split} {subset} ({error})") from error
    if not isinstance(videos, list) or not all(isinstance(name, str) for name in videos):
        raise InputError(f"{path}: split {split} {subset} is not a list of video names")
    return videos


def _read_annotations(path: Path) -> pd.DataFrame:
    table = read_box_table(path, COLUMNS)
    numbers = numbers_of(table)
    bad = numbers.isna().any(axis=1) | ~table.action.isin(ACTIONS) | table.video.isna()
    bad |= table.duplicated(["video", "frame"])  # one actor
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(f"{path}: row {row + 2}: {shown(','.join(map(str, table.iloc[row])))}")
    return table.assign(**{str(name): column for name, column in numbers.items()}).astype(
        {"frame": "int64"}
    )


def _path(root: Path, video: str) -> Path:
    return root / "videos" / f"{video}.mp4"
