"""AVA and sets shaped like it: keyframes a second apart, several people, several actions each.

The trees that are read are in `datasets/README.md`. The pictures may lie in three ways, and all
give the same frames within a frame: videos cut from second 900 on, whole videos addressed by time,
and PySlowFast's lists of JPEG frames.

AVA-Kinetics annotates one instant of a clip of Kinetics, at a fraction of a second of the film that
the clip is from. Here a tick is a millisecond of the clip's own file.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.keyframes import Keyframes, join, pack
from ava_det.formats.ava_csv import (
    read_ground_truth,
    read_keyframes,
    read_timestamps,
)
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.structures import AVA_CLOCK, Clock, InputError
from ava_det.video.files import files_by_stem, has_video
from ava_det.video.frame_folders import FrameFolder, folders_of, pictures_of

SPLITS = ("train", "val")
VERSIONS = ("v2.1", "v2.2")
WHOLE_CLOCK = Clock(rate=1.0, start=0)  # a tick is a second of the film, and so is the file
MILLISECONDS = Clock(rate=1000.0, start=0)
# The names of the class lists: all classes, and those that are evaluated.
CLASSES = {
    "v2.1": ("ava_action_list_v2.1.pbtxt", "ava_action_list_v2.1_for_activitynet_2018.pbtxt"),
    "v2.2": ("ava_action_list_v2.2.pbtxt", "ava_action_list_v2.2_for_activitynet_2019.pbtxt"),
}
_CLIP = re.compile(r"(?P<video>.+)_(?P<start>\d{6})_(?P<end>\d{6})")  # Kinetics' names of clips

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AvaFiles:
    """Where the parts of one AVA-shaped set lie, and what a tick of it is.

    Attributes:
        annotations: AVA's csv.
        class_map: the list of its classes.
        pictures: a folder of videos NAME.mp4 (or .mkv, .webm ...), or frames.
        clock: when a tick is, from the start of a file; other keyframe rates and cuts go here.
        evaluated: the list of the classes that count; None: all.
        excluded: csv of keyframes that are left out.
        included: list of the ticks that count; None: all.
        sizes: csv of the sizes of frames that boxes were drawn on; None: not known.
        find: the files of a folder of videos by name: bare names, or as `video_files` has them.
    """

    annotations: Path
    class_map: Path
    pictures: Path | FrameFolder
    clock: Clock = AVA_CLOCK
    evaluated: Path | None = None
    excluded: Path | None = None
    included: Path | None = None
    sizes: Path | None = None
    find: Callable[[Path], dict[str, Path]] = files_by_stem


class ClipFiles(NamedTuple):
    """Where the Kinetics part of AVA-Kinetics lies: what `load_clips` takes."""

    annotations: Path
    videos: Path


def load_keyframes(files: AvaFiles) -> Keyframes:
    """The detection set.

    Keyframes that are listed as empty stay; those of videos that are not there are left out,
    counted and said.

    Raises:
        InputError: a file is missing or malformed, or no video is there.
    """
    paths = pictures_of(files.pictures, files.find)
    table = read_ground_truth(existing(files.annotations))
    _require_rows(table, files.annotations)
    counts = countable(table, files.excluded, files.included)
    if not counts.any():
        raise InputError(f"{files.annotations}: every keyframe of it is excluded, or not included")
    if not counts.all():  # a copy
        table = table[counts]
    keyframes = pack(_with_pictures(table, paths, files.annotations), paths)
    logger.info(
        "%s: %d rows of excluded keyframes are left out; of %d keyframes %d have no person, of %d "
        "people %d have no label",
        *(files.annotations, (~counts).sum(), len(keyframes), keyframes.without_people()),
        *(len(keyframes.boxes), (np.diff(keyframes.labels) == 0).sum()),
    )
    return keyframes


def _require_rows(table: pd.DataFrame, where: Path) -> None:
    """Refuse a table of no row, and one of 0-based ids: an action less, and all others another."""
    if table.empty:
        raise InputError(f"{where}: no row in it")
    zero = np.flatnonzero(table["action"] == 0)
    if len(zero):
        row = table.index[zero[0]]
        raise InputError(
            f"{where}: row {row}: action 0: ids count from 1, and -1 or nothing is 'no action'"
        )


def countable(table: pd.DataFrame, excluded: Path | None, included: Path | None) -> np.ndarray:
    """(N,) bool: the rows whose keyframe is not excluded and whose tick is included."""
    counts = np.ones(len(table), bool)
    if included is not None:
        counts &= table["tick"].isin(read_timestamps(existing(included))).to_numpy()
    if excluded is not None:
        left_out = {(k.video, k.tick) for k in read_keyframes(existing(excluded))}
        some = table["tick"].isin({tick for _, tick in left_out}).to_numpy() & counts
        rows = np.flatnonzero(some)
        pairs = zip(table["video"].iloc[rows], table["tick"].iloc[rows].tolist(), strict=True)
        counts[rows] = [pair not in left_out for pair in pairs]
    return counts


def countable_in_milliseconds(table: pd.DataFrame, files: AvaFiles) -> np.ndarray:
    """(N,) bool: as `countable`, of rows whose ticks are milliseconds of a file; of other videos
    than AVA's all count.
    """
    clock, counts = files.clock, np.ones(len(table), bool)
    ours = table["video"].isin(pictures_of(files.pictures, files.find)).to_numpy()
    ticks = np.rint(clock.start + table["tick"] * (clock.rate or 1.0) / 1000).astype(np.int64)
    counts[ours] = countable(table.assign(tick=ticks)[ours], files.excluded, files.included)
    return counts


def _with_pictures(table: pd.DataFrame, paths: Iterable[str], where: Path) -> pd.DataFrame:
    """The rows whose video is there; how many others there are is said."""
    there = table["video"].isin(set(paths)).to_numpy()
    missing = table["video"][~there].unique()
    if len(missing):
        logger.warning(
            "%s: %d of %d videos are not there and left out, %s first",
            *(where, len(missing), table["video"].nunique(), missing[0]),
        )
    if not there.any():
        raise InputError(
            f"{where}: none of its videos is there, {missing[0]!r} for one; datasets/README.md "
            "says where"
        )
    return table[there] if len(missing) else table


def existing(path: Path) -> Path:
    """The path itself, or the same with `.gz`, whichever is a file."""
    packed = path.with_name(f"{path.name}.gz")
    for candidate in (path, packed):
        if candidate.is_file():
            return candidate
    raise InputError(f"{path}: no such file; datasets/README.md says what goes here")


def load_clips(annotations: Path, videos: Path) -> Keyframes:
    """The Kinetics part of AVA-Kinetics; the video of a keyframe is its clip's whole name.

    Args:
        annotations: csv of `youtube id,seconds,x1,y1,x2,y2,action`.
        videos: folder, of any depth, of ID_FIRST_LAST.mp4 (seconds of the film, six digits each) or
            whole films ID.mp4.

    Raises:
        InputError: a file is missing or malformed, or no clip is there.
    """
    table = read_ground_truth(existing(annotations), per_second=1000)
    _require_rows(table, annotations)
    files = files_by_stem(videos)
    paths = {name: str(path) for name, path in files.items()}
    table = _within_clips(on_clips(table, files), files, annotations)
    return pack(_with_pictures(table, paths, annotations), paths)


def _within_clips(table: pd.DataFrame, files: Iterable[str], where: Path) -> pd.DataFrame:
    """Rows of `on_clips` but those between the clips of their film; how many these are is said."""
    apart = between_clips(table, files)
    if not apart.any():
        return table
    first = table[apart].iloc[0]
    example = f"{first['video']} at second {first['tick'] / 1000}"
    if apart.all():
        raise InputError(f"{where}: no clip has the second of any row of it, {example} for one")
    logger.warning(
        "%s: %d of %d rows are left out, for no clip of their film has their second, %s first",
        *(where, apart.sum(), len(table), example),
    )
    return table[~apart]


def between_clips(table: pd.DataFrame, files: Iterable[str]) -> np.ndarray:
    """(N,) bool: the rows of `on_clips` whose film has clips, of which none has their second."""
    files = set(files)
    return table["video"].isin(clips_of(files).keys() - files).to_numpy()


class Clip(NamedTuple):
    """A file of Kinetics: its name, and the seconds of the film that it is from and to."""

    name: str
    start: int
    end: int


def clips_of(files: Iterable[str]) -> dict[str, list[Clip]]:
    """The clips of each film, from their names; a file that is none is a whole film."""
    clips: dict[str, list[Clip]] = {}
    for name in files:
        match = _CLIP.fullmatch(name)
        start, end = (int(match["start"]), int(match["end"])) if match else (0, 1 << 31)
        clips.setdefault(match["video"] if match else name, []).append(Clip(name, start, end))
    return clips


def on_clips(table: pd.DataFrame, files: Iterable[str]) -> pd.DataFrame:
    """Rows by film and millisecond of it, as rows by clip and millisecond of that.

    Args:
        table: in the columns of `ava_csv`; of a film without a clip at that time the rows stay.
        files: the names of the clips.
    """
    clips = clips_of(files)
    videos, ticks = table["video"].astype(object).tolist(), table["tick"].tolist()
    named = {
        (video, tick): _clip_at(video, clips.get(video, []), tick)
        for video, tick in dict.fromkeys(zip(videos, ticks, strict=True))
    }
    found = [named[pair] for pair in zip(videos, ticks, strict=True)]
    return table.assign(
        video=pd.Series([name for name, _ in found], table.index, dtype="category"),
        tick=table["tick"] - 1000 * np.array([start for _, start in found], np.int64),
    )


def _clip_at(film: str, clips: list[Clip], tick: int) -> tuple[str, int]:
    """The clip of a film that a millisecond lies in, and the second that it starts at; the film
    itself where there is none.
    """
    for name, start, end in clips:
        if 1000 * start <= tick <= 1000 * end:
            return name, start
    return film, 0


def load_with_clips(files: AvaFiles, annotations: Path, videos: Path) -> Keyframes:
    """AVA-Kinetics whole: AVA's keyframes and those of the clips, all in milliseconds of a file."""
    seconds = load_keyframes(files)
    instants = replace(seconds, ticks=in_milliseconds(seconds.ticks, files.clock))
    return join([instants, load_clips(annotations, videos)])


def in_milliseconds(ticks: np.ndarray, clock: Clock) -> np.ndarray:
    """(N,) int64, the milliseconds of a file at which ticks of a rate are."""
    return np.rint(1000 * (ticks - clock.start) / (clock.rate or 1.0)).astype(np.int64)


def dataset(name: str, files: AvaFiles) -> DataSet:
    """One AVA-shaped set."""
    return DataSet(
        name,
        partial(_classes, files.class_map),
        files.clock,
        load_keyframes=partial(load_keyframes, files),
        load_evaluated=partial(_classes, files.evaluated or files.class_map),
        frame_folders=folders_of(files.pictures),
        countable=partial(countable, excluded=files.excluded, included=files.included),
        parts=(files,),
    )


def _classes(path: Path) -> ClassMap:
    return read_class_map(existing(path))


def built_in(root: Path, version: str, split: str) -> AvaFiles:
    """AVA below `root`, from the kind of pictures that is there.

    Cut videos (`videos_15min`) are preferred to lists of frames, and those to whole videos.
    """
    annotations = root / "annotations"
    everything, evaluated = CLASSES[version]
    cut, lists, whole = (
        root / "videos_15min",
        root / "frame_lists" / f"{split}.csv",
        root / "videos",
    )
    pictures: Path | FrameFolder = cut
    is_cut = has_video(cut)  # a run of prepare_ava that did nothing leaves an empty folder
    if not is_cut and lists.is_file():
        pictures = FrameFolder(root / "frames", (lists,))
    elif not is_cut and whole.is_dir():
        pictures = whole
    included = annotations / "ava_included_timestamps_v2.2.txt"  # the same in both versions
    return AvaFiles(
        annotations=annotations / f"ava_{split}_{version}.csv",
        class_map=annotations / everything,
        pictures=pictures,
        clock=WHOLE_CLOCK if pictures == whole else AVA_CLOCK,
        evaluated=annotations / evaluated,
        excluded=annotations / f"ava_{split}_excluded_timestamps_{version}.csv",
        included=included if included.is_file() else None,
    )


def datasets(root: Path) -> Iterator[DataSet]:
    """The sets `ava_v2.2_train` and so on, and AVA-Kinetics, below `root`, there or not."""
    for split in SPLITS:
        for version in VERSIONS:
            yield dataset(f"ava_{version}_{split}", built_in(root / "ava", version, split))
        files = built_in(root / "ava", "v2.2", split)
        kinetics = root / "ava_kinetics"
        clips = ClipFiles(kinetics / f"kinetics_{split}_v1.0.csv", kinetics / "videos")
        joint = replace(
            dataset(f"ava_kinetics_{split}", files),
            clock=MILLISECONDS,
            load_keyframes=partial(load_with_clips, files, *clips),
            countable=partial(countable_in_milliseconds, files=files),
            parts=(files, clips),
        )
        yield joint
        yield replace(
            joint,
            name=f"kinetics_ava_{split}",
            load_keyframes=partial(load_clips, *clips),
            countable=None,
            parts=(clips,),
        )
