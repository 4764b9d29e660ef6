"""UCF101-24: untrimmed clips of 24 sports with tubes of one or several actors.

The pictures (`datasets/README.md`) are video files `NAME.*` at any depth below `videos/`, or frames
`rgb-images/ACTION/NAME/00001.jpg`. The annotations are at least one of these:

    UCF101v2-GT.pkl               corrected annotations and the official split, in ACT's layout
    pyannot.pkl, testlist01.txt   the same as published
    annotations.csv               video,frame,x1,y1,x2,y2,action,tube (0-based frames)

Boxes have inclusive, 1-based pixel corners in 320 x 240. A tick is a frame, at the presentation
time of the frame.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.data.sets.annotated import Annotated
from ava_det.data.sets.box_table import numbers_of, read_box_table, require_there
from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.keyframes import Keyframes
from ava_det.data.sets.tubes import annotated_tubes, set_keyframes
from ava_det.formats.class_map import ClassMap
from ava_det.formats.csv_file import full_lines, shown
from ava_det.formats.tube_pickle import AnnotatedTube, read_corrected_pickle, read_tube_pickle
from ava_det.formats.video_names import video_name
from ava_det.structures import FRAME_CLOCK, InputError
from ava_det.video.frame_folders import FrameFolder, folders_of

PICKLE, CSV = "UCF101v2-GT.pkl", "annotations.csv"
CORRECTED, TEST_LIST = "pyannot.pkl", "testlist01.txt"
HEIGHT, WIDTH = 240, 320  # the frame size that boxes refer to
COLUMNS = ["video", "frame", "x1", "y1", "x2", "y2", "action", "tube"]
# fmt: off
ACTIONS = (
    "Basketball", "BasketballDunk", "Biking", "CliffDiving", "CricketBowling", "Diving", "Fencing",
    "FloorGymnastics", "GolfSwing", "HorseRiding", "IceDancing", "LongJump", "PoleVault",
    "RopeClimbing", "SalsaSpin", "SkateBoarding", "Skiing", "Skijet", "SoccerJuggling", "Surfing",
    "TennisSwing", "TrampolineJumping", "VolleyballSpiking", "WalkingWithDog",
)
# fmt: on
CLASS_MAP = ClassMap(names=dict(enumerate(ACTIONS, start=1)), groups={})


def datasets(root: Path) -> Iterator[DataSet]:
    """Yield the sets `ucf24_train`, `ucf24_test` and `ucf24_csv`, below `root`."""
    loaders = {
        subset: (partial(load_split, root, subset), partial(annotated_split, root, subset))
        for subset in ("train", "test")
    }
    loaders["csv"] = partial(load_csv, root), partial(annotated_csv, root)
    for subset, (load, annotated) in loaders.items():
        yield DataSet(
            f"ucf24_{subset}",
            lambda: CLASS_MAP,
            FRAME_CLOCK,
            load_keyframes=load,
            frame_folders=folders_of(pictures(root)),
            annotated=annotated,
        )


def load_split(root: Path, subset: str) -> Keyframes:
    """Read a subset of the official split.

    Args:
        root: The folder of the files above.
        subset: "train" reads the annotated frames; "test" reads all frames, because a detection on
            a frame without actions is a false positive.
    """
    return _keyframes(root, _tubes_of_split(root, subset), keep_empty=subset == "test")


def load_csv(root: Path) -> Keyframes:
    """Read all frames of the videos in `annotations.csv`."""
    return _keyframes(root, _tubes_of_csv(root), keep_empty=True)


def annotated_split(root: Path, subset: str) -> Annotated:
    """Read all annotations of `load_split`, before anything is left out."""
    path = _split_file(root)
    return _annotated(root, path.name, _tubes_of_split(root, subset), keep_empty=subset == "test")


def annotated_csv(root: Path) -> Annotated:
    """Read all annotations of `load_csv`, before anything is left out."""
    return _annotated(root, CSV, _tubes_of_csv(root), keep_empty=True)


def _tubes_of_split(root: Path, subset: str) -> dict[str, list[AnnotatedTube]]:
    path = _split_file(root)
    if path.name == CORRECTED:
        tested = _test_videos(root / TEST_LIST)
        everything = read_corrected_pickle(path, len(ACTIONS))
        if tested.isdisjoint(everything):
            raise InputError(f"{root / TEST_LIST}: lists no video that is in {path}")
        wanted = subset == "test"
        return {v: tubes for v, tubes in everything.items() if (v in tested) == wanted}
    annotations = read_tube_pickle(path)
    if tuple(annotations.labels) != ACTIONS:
        raise InputError(f"{path}: the labels differ from the 24 of UCF101-24")
    return {video: annotations.tubes[video] for video in annotations.splits[subset][0]}


def _split_file(root: Path) -> Path:
    """Return the path of ACT's pickle, or of `pyannot.pkl` if only that exists."""
    path, corrected = root / PICKLE, root / CORRECTED
    return corrected if corrected.is_file() and not path.is_file() else path


def _test_videos(path: Path) -> set[str]:
    """Read the test videos, with or without suffix and label; all other videos are for training."""
    lines = full_lines(require_there(path))
    return {video_name(line.split()[0]) for _, line in lines}


def pictures(root: Path) -> Path | FrameFolder:
    """Return the folder of video files, or the frames if only frames exist."""
    videos, frames = root / "videos", root / "rgb-images"
    return FrameFolder(frames, rate=25.0) if frames.is_dir() and not videos.is_dir() else videos


def _tubes_of_csv(root: Path) -> dict[str, list[AnnotatedTube]]:
    table = _read_annotations(root / CSV)
    tubes: dict[str, list[AnnotatedTube]] = {}
    for (video, _), rows in table.groupby(["video", "tube"]):
        boxes = rows[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
        label = ACTIONS.index(rows["action"].iloc[0])
        tubes.setdefault(str(video), []).append(
            AnnotatedTube(label, rows["frame"].to_numpy(np.int64), boxes)
        )
    return tubes


def _annotated(
    root: Path, name: str, tubes: dict[str, list[AnnotatedTube]], keep_empty: bool
) -> Annotated:
    whole = {video: [_continuous(tube) for tube in its] for video, its in tubes.items()}
    size = dict.fromkeys(whole, (HEIGHT, WIDTH))
    return annotated_tubes(root / name, pictures(root), whole, size, keep_empty)


def _keyframes(root: Path, tubes: dict[str, list[AnnotatedTube]], keep_empty: bool) -> Keyframes:
    whole = {video: [_continuous(tube) for tube in its] for video, its in tubes.items()}
    return set_keyframes(pictures(root), whole, (HEIGHT, WIDTH), keep_empty)


def _continuous(tube: AnnotatedTube) -> AnnotatedTube:
    """Convert inclusive 1-based corners to continuous ones: pixel 1 lies between 0 and 1."""
    return AnnotatedTube(tube.label, tube.frames, tube.boxes - np.array([1.0, 1.0, 0.0, 0.0]))


def _read_annotations(path: Path) -> pd.DataFrame:
    table = read_box_table(path, COLUMNS)
    numbers = numbers_of(table)
    tube = table.groupby(["video", "tube"])
    twice = table.duplicated(["video", "tube", "frame"])
    mixed = table["action"] != tube["action"].transform("first")
    known = table["action"].isin(ACTIONS) & table["video"].notna()
    _refuse(path, table, numbers.isna().any(axis=1) | ~known, "is malformed")
    _refuse(path, table, twice | mixed, "contradicts an earlier row of its tube")
    return table.assign(**{str(name): column for name, column in numbers.items()})


def _refuse(path: Path, table: pd.DataFrame, bad: Sequence[bool] | pd.Series, what: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        row = int(rows[0])
        text = ",".join(map(str, table.iloc[row]))
        raise InputError(f"{path}: row {row + 2}: {shown(text)} {what}")
