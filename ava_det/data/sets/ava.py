"""AVA and sets shaped like it: keyframes a second apart, several people, several actions each.

`datasets/README.md` describes the folders. The pictures can be videos cut from second 900 on, whole
videos, or PySlowFast's lists of JPEG frames. All three give the same frames, up to one frame.

AVA-Kinetics annotates one instant of each Kinetics clip, at a fraction of a second of the original
video (the film). Here a tick is a millisecond of the file of the clip.
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
from ava_det.data.sets.exclusions import countable, existing
from ava_det.data.sets.keyframes import Keyframes, join, pack
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.structures import AVA_CLOCK, Clock, InputError
from ava_det.video.files import files_by_stem, has_video
from ava_det.video.frame_folders import FrameFolder, folders_of, pictures_of

SPLITS = ("train", "val")
VERSIONS = ("v2.1", "v2.2")
WHOLE_CLOCK = Clock(rate=1.0, start=0)  # a tick is a second of the whole film
MILLISECONDS = Clock(rate=1000.0, start=0)
# The file names of all classes and of the evaluated classes.
CLASSES = {
    "v2.1": ("ava_action_list_v2.1.pbtxt", "ava_action_list_v2.1_for_activitynet_2018.pbtxt"),
    "v2.2": ("ava_action_list_v2.2.pbtxt", "ava_action_list_v2.2_for_activitynet_2019.pbtxt"),
}
_CLIP = re.compile(r"(?P<video>.+)_(?P<start>\d{6})_(?P<end>\d{6})")  # the names of Kinetics clips

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AvaFiles:
    """The files of a data set with AVA's layout, and the clock of the data set.

    Attributes:
        annotations: The csv in AVA's format.
        class_map: The list of classes.
        pictures: A folder of videos NAME.mp4 (or .mkv, .webm ...), or frames.
        clock: Converts a tick to seconds from the start of a file; other keyframe rates and other
            cuts need another clock.
        evaluated: The list of the classes that are evaluated; None: all.
        excluded: A csv of keyframes to leave out.
        included: The list of the ticks to use; None: all.
        sizes: A csv of the frame sizes on which the boxes were drawn; None: unknown.
        find: Finds the video files of a folder by name: by bare name, or as `video_files` does.
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
    """The files of the Kinetics part of AVA-Kinetics, which `load_clips` reads."""

    annotations: Path
    videos: Path


def load_keyframes(files: AvaFiles) -> Keyframes:
    """Read the detection set.

    Keyframes that the csv lists without people are kept. Keyframes of missing videos are left out;
    a warning counts the missing videos.

    Raises:
        InputError: A file is missing or malformed, or all videos are missing.
    """
    paths = pictures_of(files.pictures, files.find)
    table = read_ground_truth(existing(files.annotations))
    _require_rows(table, files.annotations)
    counts = countable(table, files.excluded, files.included)
    if not counts.any():
        raise InputError(f"{files.annotations}: every keyframe is excluded, or not included")
    if not counts.all():  # a copy
        table = table[counts]
    keyframes = pack(_with_pictures(table, paths, files.annotations), paths)
    logger.info("%s: %s", files.annotations, _summary(keyframes, int((~counts).sum())))
    return keyframes


def _summary(keyframes: Keyframes, excluded: int) -> str:
    """Return the size of a set in words, and the counts of what lacks something, unless zero."""
    unlabelled = int((np.diff(keyframes.labels) == 0).sum())
    lacking = [
        ("keyframes without people", keyframes.without_people()),
        ("people without a label", unlabelled),
        ("left out, rows of excluded keyframes", excluded),
    ]
    size = f"{len(keyframes)} keyframes, {len(keyframes.boxes)} people"
    return "; ".join([size, *(f"{what}: {count}" for what, count in lacking if count)])


def _require_rows(table: pd.DataFrame, where: Path) -> None:
    """Refuse an empty table, and 0-based action ids, which would shift all classes by one."""
    if table.empty:
        raise InputError(f"{where}: has no rows")
    zero = np.flatnonzero(table["action"] == 0)
    if len(zero):
        row = table.index[zero[0]]
        raise InputError(
            f"{where}: row {row}: action 0: ids count from 1, and -1 or nothing is 'no action'"
        )


def countable_in_milliseconds(table: pd.DataFrame, files: AvaFiles) -> np.ndarray:
    """Do the same as `countable` for rows whose ticks are milliseconds of a file.

    All rows of videos that are not AVA's count.
    """
    clock, counts = files.clock, np.ones(len(table), bool)
    ours = table["video"].isin(pictures_of(files.pictures, files.find)).to_numpy()
    ticks = np.rint(clock.start + table["tick"] * (clock.rate or 1.0) / 1000).astype(np.int64)
    counts[ours] = countable(table.assign(tick=ticks)[ours], files.excluded, files.included)
    return counts


def _with_pictures(table: pd.DataFrame, paths: Iterable[str], where: Path) -> pd.DataFrame:
    """Return the rows whose video exists; warn how many videos are missing."""
    there = table["video"].isin(set(paths)).to_numpy()
    missing = table["video"][~there].unique()
    if len(missing):
        logger.warning(
            "%s: %d of %d videos are missing and left out, %s first",
            *(where, len(missing), table["video"].nunique(), missing[0]),
        )
    if not there.any():
        raise InputError(
            f"{where}: all videos are missing, such as {missing[0]!r}; datasets/README.md says "
            "where they belong"
        )
    return table[there] if len(missing) else table


def load_clips(annotations: Path, videos: Path) -> Keyframes:
    """Read the Kinetics part of AVA-Kinetics; `video` of a keyframe is the full name of the clip.

    Args:
        annotations: A csv of `youtube id,seconds,x1,y1,x2,y2,action`.
        videos: A folder, with or without subfolders, of ID_FIRST_LAST.mp4 (seconds of the film, six
            digits each) or of whole films ID.mp4.

    Raises:
        InputError: A file is missing or malformed, or all clips are missing.
    """
    table = read_ground_truth(existing(annotations), per_second=1000)
    _require_rows(table, annotations)
    files = files_by_stem(videos)
    paths = {name: str(path) for name, path in files.items()}
    table = _within_clips(on_clips(table, files), files, annotations)
    return pack(_with_pictures(table, paths, annotations), paths)


def _within_clips(table: pd.DataFrame, files: Iterable[str], where: Path) -> pd.DataFrame:
    """Drop the rows of `on_clips` that lie between the clips of a film; warn how many they are."""
    apart = between_clips(table, files)
    if not apart.any():
        return table
    first = table[apart].iloc[0]
    example = f"{first['video']} at second {first['tick'] / 1000}"
    if apart.all():
        raise InputError(f"{where}: no row lies within a clip; the first is {example}")
    logger.warning(
        "%s: %d of %d rows lie in no clip of their film and are left out, %s first",
        *(where, apart.sum(), len(table), example),
    )
    return table[~apart]


def between_clips(table: pd.DataFrame, files: Iterable[str]) -> np.ndarray:
    """Return (N,) bool: the rows of `on_clips` that lie between the clips of a film."""
    files = set(files)
    return table["video"].isin(clips_of(files).keys() - files).to_numpy()


class Clip(NamedTuple):
    """A file of Kinetics: the name, and the first and last second in the original film."""

    name: str
    start: int
    end: int


def clips_of(files: Iterable[str]) -> dict[str, list[Clip]]:
    """Group files by film; a file without seconds in the name is a whole film."""
    clips: dict[str, list[Clip]] = {}
    for name in files:
        match = _CLIP.fullmatch(name)
        start, end = (int(match["start"]), int(match["end"])) if match else (0, 1 << 31)
        clips.setdefault(match["video"] if match else name, []).append(Clip(name, start, end))
    return clips


def on_clips(table: pd.DataFrame, files: Iterable[str]) -> pd.DataFrame:
    """Convert rows from film and millisecond of the film to clip and millisecond of the clip.

    Args:
        table: The rows, in the columns of `ava_csv`. A row that lies in no clip stays unchanged.
        files: The names of the clips.
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
    """Return the clip of a film that contains `tick` (milliseconds), and the clip's first second.

    If no clip contains it, return the film itself and 0.
    """
    for name, start, end in clips:
        if 1000 * start <= tick <= 1000 * end:
            return name, start
    return film, 0


def load_with_clips(files: AvaFiles, annotations: Path, videos: Path) -> Keyframes:
    """Read all of AVA-Kinetics: keyframes of AVA and of Kinetics, with ticks in milliseconds."""
    seconds = load_keyframes(files)
    instants = replace(seconds, ticks=in_milliseconds(seconds.ticks, files.clock))
    return join([instants, load_clips(annotations, videos)])


def in_milliseconds(ticks: np.ndarray, clock: Clock) -> np.ndarray:
    """Convert ticks of a clock to milliseconds of a file, (N,) int64."""
    return np.rint(1000 * (ticks - clock.start) / (clock.rate or 1.0)).astype(np.int64)


def dataset(name: str, files: AvaFiles) -> DataSet:
    """Make a data set with AVA's layout."""
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
    """Return the files of AVA below `root`, with the pictures that exist.

    Cut videos (`videos_15min`) come first, then lists of frames, then whole videos.
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
    """Yield the sets `ava_v2.2_train` and so on, and AVA-Kinetics, even if files are missing."""
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
