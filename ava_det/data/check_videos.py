"""Whether the pictures of a data set are what its annotations speak of."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from ava_det.data.frame_folders import FrameFolder
from ava_det.data.video import Video
from ava_det.data.video_files import VIDEO_SUFFIXES
from ava_det.data.video_index import open_video
from ava_det.formats.findings import Findings
from ava_det.formats.frame_lists import FrameList
from ava_det.structures import Clock, InputError

Size = tuple[int, int]  # width, height

RATE_TOLERANCE = 0.005
ASPECT_TOLERANCE = 0.02
LONGER = 1.5, 60.0  # times, and seconds more, than what the keyframes need


class Facts(NamedTuple):
    """What the pictures of a video are.

    Attributes:
        seconds: how long.
        frames: how many.
        rate: a second, on average.
        size: of the first.
    """

    seconds: float
    frames: int
    rate: float
    size: Size


def video_facts(path: Path, count: bool = False) -> Facts:
    """Facts of a video file, from its header where that tells all of them.

    Args:
        path: the file.
        count: whether the number of frames must be exact.

    Raises:
        InputError: it is no readable video.
    """
    container, stream = open_video(path)
    with container:
        seconds, rate = None, stream.average_rate
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            seconds = container.duration / 1e6
        if seconds and stream.frames and rate:
            return Facts(seconds, stream.frames, float(rate), (stream.width, stream.height))
        if seconds and rate and not count:
            size = stream.width, stream.height
            return Facts(seconds, round(seconds * float(rate)), float(rate), size)
    with Video(path) as video:
        seconds = float(video.frame_times[-1]) + 1 / video.rate
        return Facts(seconds, len(video), video.rate, (video.width, video.height))


def frame_facts(
    name: str, frames: FrameList, source: FrameFolder, findings: Findings
) -> Facts | None:
    """Facts of a video that lies as frames; what is wrong with these is added to the findings."""
    folders: dict[Path, set[str]] = {}
    missing = []
    for k in range(len(frames)):
        path = source.folder / frames[k]
        if path.parent not in folders:
            there = path.parent.is_dir()
            folders[path.parent] = set(os.listdir(path.parent)) if there else set()
        if path.name not in folders[path.parent]:
            missing.append(k)
    where = source.lists[0]
    findings.add_many("missing_frame", where, missing, lambda k: (None, f"{name}: {frames[k]}"))
    gone = set(missing)
    some = [k for k in (0, len(frames) // 2, len(frames) - 1) if k not in gone]
    sizes = {k: picture_size(source.folder / frames[k]) for k in some}
    broken = [k for k, size in sizes.items() if size is None]
    findings.add_many("missing_frame", where, broken, lambda k: (None, f"{frames[k]}: broken"))
    known = [size for size in sizes.values() if size is not None]
    if len(set(known)) > 1:
        sides = " and ".join(f"{w} x {h}" for w, h in dict.fromkeys(known))
        findings.add("frame_size", where, f"{name}: {sides}")
    if not known:
        return None
    return Facts(len(frames) / source.rate, len(frames), source.rate, known[0])


def picture_size(path: Path) -> Size | None:
    """Size of an image file; None if it is no readable one."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return None if image is None else (image.shape[1], image.shape[0])


def check_videos(
    path: Path | str,
    table: pd.DataFrame,
    pictures: Path | FrameFolder,
    clock: Clock,
    findings: Findings,
    rate: float | None = None,
    sizes: Mapping[str, Size] | None = None,
    videos: Path | None = None,
) -> None:
    """Look at the pictures of every annotated video.

    Args:
        path: of the annotations, to be named.
        table: their rows, in the columns of `ava_csv`; the index is the row.
        pictures: a folder of videos, or frames.
        clock: what a tick is.
        findings: what is wrong is added here.
        rate: frames a second that the videos should have; None: any.
        sizes: of the pictures that a list's boxes were drawn on, by video.
        videos: a folder of video files that the frames were taken from, to compare them with.
    """
    sizes = dict(sizes or {})
    annotated = {str(name): rows for name, rows in table.groupby("video", observed=True)}
    lists = pictures.videos() if isinstance(pictures, FrameFolder) else {}
    files = {} if isinstance(pictures, FrameFolder) else _files(pictures)
    there = {name: name for name in lists} | {name: str(file) for name, file in files.items()}
    _missing(path, annotated, there, pictures, findings)
    others = _files(videos) if videos else {}
    for name in tqdm([n for n in annotated if n in there], unit="video", leave=False, disable=None):
        rows = annotated[name]
        try:
            if isinstance(pictures, FrameFolder):
                facts = frame_facts(name, lists[name], pictures, findings)
                if name in others:
                    sizes.setdefault(name, video_facts(others[name]).size)
            else:
                facts = video_facts(files[name], count=clock.rate is None)
        except InputError as error:
            findings.add("broken_video", path, str(error))
            continue
        if facts is not None:
            _check_times(path, name, rows, facts, clock, findings)
            if rate is not None and abs(facts.rate / rate - 1) > RATE_TOLERANCE:
                findings.add("rate", path, f"{name}: {facts.rate:.3f}, not {rate:g} a second")
            if name in sizes:
                _check_size(path, name, facts.size, sizes[name], findings)


def _files(folder: Path) -> dict[str, Path]:
    """Video files below a folder, by their path in it and by their name alone."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of videos")
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in VIDEO_SUFFIXES:
            files.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
            files.setdefault(path.stem, path)
    return files


def _missing(
    path: Path | str,
    annotated: Mapping[str, pd.DataFrame],
    there: Mapping[str, str],
    pictures: Path | FrameFolder,
    findings: Findings,
) -> None:
    """Videos on one side only."""
    folder = pictures.folder if isinstance(pictures, FrameFolder) else pictures
    lacking = [name for name in annotated if name not in there]
    if annotated and len(lacking) == len(annotated):
        findings.add("no_video", path, f"{folder}: {lacking[0]!r} is not there, nor is another")
        return
    findings.add_many(
        "missing_video",
        path,
        range(len(lacking)),
        lambda k: (int(annotated[lacking[k]].index[0]), lacking[k]),
    )
    if lacking:  # else the folder may serve other splits as well
        used = {there[name] for name in annotated if name in there}
        unused = sorted(set(there.values()) - used)
        findings.add_many("unused_video", folder, range(len(unused)), lambda k: (None, unused[k]))


def _check_times(
    path: Path | str,
    name: str,
    rows: pd.DataFrame,
    facts: Facts,
    clock: Clock,
    findings: Findings,
) -> None:
    """Keyframes beyond the ends of their video, and videos far beyond their keyframes."""
    ticks = rows["tick"].to_numpy()
    if clock.rate is None:
        places, end, length = ticks - clock.start, facts.frames - 1, f"{facts.frames} frames"
    else:
        places = (ticks - clock.start) / clock.rate
        end, length = facts.seconds + 0.5 / facts.rate, f"{facts.seconds:.2f} s"
    outside = np.flatnonzero((places < 0) | (places > end))
    if len(outside):
        first, count = outside[0], len(np.unique(ticks[outside]))
        what = f"{name}: {count} keyframes, the first at tick {ticks[first]}: {places[first]:g}"
        unit = "" if clock.rate is None else " s"
        row = int(rows.index[first])
        findings.add("outside_video", path, f"{what}{unit} of {length}", row)
    most = places.max(initial=0.0) * LONGER[0] + LONGER[1]
    if clock.rate is not None and clock.start and facts.seconds > most:
        findings.add(
            "not_cut", path, f"{name}: {facts.seconds:.0f} s, last keyframe at {places.max():.0f} s"
        )


def _check_size(
    path: Path | str, name: str, found: Size, expected: Size, findings: Findings
) -> None:
    sides = f"{name}: {found[0]} x {found[1]}, in the list {expected[0]} x {expected[1]}"
    ratio = (found[0] / found[1]) / (expected[0] / expected[1])
    if abs(ratio - 1) > ASPECT_TOLERANCE:
        findings.add("aspect", path, sides)
    elif found != expected:
        findings.add("rescaled", path, sides)


def read_sizes(path: Path) -> dict[str, Size]:
    """Sizes by video from a csv of `video,width,height`, with or without a header line.

    Raises:
        InputError: a row that is something else.
    """
    sizes: dict[str, Size] = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if not row or (number == 1 and row[0].lower().startswith("video")):
                continue
            if len(row) != 3 or not all(cell.strip().isdecimal() for cell in row[1:]):
                raise InputError(f"{path}: row {number}: not video,width,height")
            sizes[row[0]] = int(row[1]), int(row[2])
            if 0 in sizes[row[0]]:
                raise InputError(f"{path}: row {number}: a side of 0 pixels")
    return sizes


def check_proposals(
    path: Path | str,
    proposals: pd.DataFrame,
    table: pd.DataFrame,
    findings: Findings,
) -> None:
    """Whether person boxes are on the annotated keyframes.

    Args:
        path: of the boxes, to be named.
        proposals: from `ava_det.formats.proposals`.
        table: the annotations.
        findings: what is wrong is added here.
    """

    def keys(rows: pd.DataFrame) -> pd.MultiIndex:
        return pd.MultiIndex.from_arrays([rows["video"].astype("str"), rows["tick"]])

    def row(rows: pd.DataFrame, place: int) -> tuple[int, str]:
        found = rows.iloc[place]
        return int(rows.index[place]), f"{found['video']}, tick {found['tick']}"

    boxed = proposals[proposals["x1"].notna()]
    wrong = np.flatnonzero(~boxed["score"].between(0, 1))
    findings.add_many("score", path, wrong, lambda k: row(boxed, k))
    unmatched = ~keys(boxed).isin(keys(table))
    if len(boxed) and unmatched.all():
        findings.add("no_match", path, row(boxed, 0)[1], row(boxed, 0)[0])
        return
    findings.add_many("unmatched", path, np.flatnonzero(unmatched), lambda k: row(boxed, k))
    people = table[table["x1"].notna()].drop_duplicates(["video", "tick"])
    without = np.flatnonzero(~keys(people).isin(keys(boxed)))
    findings.add_many("uncovered", path, without, lambda k: (None, row(people, k)[1]))
