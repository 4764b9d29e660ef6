"""Make a recognition set from a folder of videos and published annotations.

Videos are resized to a short side, because training uses few pixels and decoding large pictures is
slow. The new lists name the videos that exist. Existing files are kept, so a stopped run continues
where it stopped.
"""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ava_det.data.prepare.parallel import problems_of
from ava_det.data.prepare.published import Annotations, WantedVideo
from ava_det.formats.atomic import atomic_text, sweep
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.formats.settings import claim
from ava_det.formats.video_lists import ListedVideo, write_video_list
from ava_det.structures import InputError
from ava_det.video.files import VIDEO_SUFFIXES
from ava_det.video.orientation import SQUARE
from ava_det.video.picture_files import read_picture
from ava_det.video.picture_size import scaled_size
from ava_det.video.video import Video
from ava_det.video.writer import VideoWriter

PICTURES = {".jpg", ".jpeg", ".png"}
KEY_FRAMES = 32  # key frame interval: a random clip decodes at most this many unused frames
MISSING = "missing"


@dataclass(frozen=True)
class Resizing:
    """The settings of the new videos.

    Attributes:
        short_side: The short side in pixels; smaller videos are not enlarged.
        rate: The frame rate of a video that is made of a folder of pictures.
    """

    short_side: int = 256
    rate: float = 30.0


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        listed: The number of available videos, by list.
        wanted: The number of videos in the annotations, by list.
        left_out: (list, video, reason) of the videos that are left out.
    """

    listed: dict[str, int]
    wanted: dict[str, int]
    left_out: list[tuple[str, str, str]]


def prepare(
    annotations: Annotations,
    videos: Path,
    root: Path,
    resizing: Resizing | None,
    workers: int | None = None,
) -> Outcome:
    """Make the tree of `ava_det.data.sets.recognition_sets` at `root`, or the missing parts of it.

    Args:
        annotations: The published annotations.
        videos: The folder of the videos, with any subfolders, or of folders of pictures.
        root: The folder of the tree. `left_out.csv` in this folder lists missing and broken videos.
        resizing: The settings of the new videos; None makes no videos, and the lists name the
            original files.
        workers: The number of processes; None is one per core.

    Raises:
        InputError: All videos are missing, or `root` was made with another resizing.
    """
    sources = find_videos(videos)
    found = {
        wanted.names: files
        for rows in annotations.lists.values()
        for wanted in rows
        if (files := _sources_of(wanted, sources))
    }
    places = {names: files[0] for names, files in found.items() if len(files) == 1}
    reasons = {names: _of_one_name(files) for names, files in found.items() if len(files) > 1}
    if not found:
        example = next(iter(next(iter(annotations.lists.values()))))
        raise InputError(f"{videos}: holds no video of the lists, such as {example.names[0]}")
    files, broken = dict(places), {}
    if resizing:
        claim(root, {"short_side": resizing.short_side})
        sweep(root / "videos")
        files = {names: _target(source, videos, root) for names, source in places.items()}
        jobs = {places[names]: target for names, target in files.items()}
        broken = _resize_all(jobs, resizing, workers or os.cpu_count() or 1)
    reasons |= {names: broken[source] for names, source in places.items() if source in broken}
    return _write_lists(annotations, files, reasons, root)


def find_videos(folder: Path) -> dict[str, list[Path]]:
    """Find the videos and folders of pictures below a folder.

    Returns:
        The paths by name. A path without suffix has several names: the bare name, the bare name
        with the last folder, and so on. Several paths with the same name are sorted.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found: dict[str, list[Path]] = {}
    for path in sorted(_walk(folder)):
        parts = path.relative_to(folder).parts
        name = parts[-1] if path.is_dir() else Path(parts[-1]).stem
        for start in range(len(parts)):
            found.setdefault("/".join([*parts[start:-1], name]), []).append(path)
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Yield videos and folders of pictures; follow links."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        suffixes = {os.path.splitext(name)[1].lower() for name in names}
        if suffixes & PICTURES:
            yield Path(place)
        if suffixes & VIDEO_SUFFIXES:
            for name in names:
                if os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES and not name.startswith("."):
                    yield Path(place, name)


def _sources_of(wanted: WantedVideo, sources: Mapping[str, list[Path]]) -> list[Path]:
    """Return the files of a video: one, none, or several files with the same name."""
    return next((sources[name] for name in wanted.names if name in sources), [])


def _of_one_name(files: list[Path]) -> str:
    return f"{len(files)} files have this name: {', '.join(map(str, files[:3]))}"


def _target(source: Path, videos: Path, root: Path) -> Path:
    inside = source.relative_to(videos)
    name = inside.name if source.is_dir() else inside.stem
    return root / "videos" / inside.with_name(f"{name}.mp4")


def _resize_all(jobs: Mapping[Path, Path], resizing: Resizing, workers: int) -> dict[Path, str]:
    """Make the missing videos; return the problems, by source."""
    missing = [job for job in jobs.items() if not job[1].exists()]
    work = partial(_resize_job, resizing)
    broken = problems_of(missing, work, workers, done=len(jobs) - len(missing))
    return {source: reason for (source, _), reason in broken.items()}


def _resize_job(resizing: Resizing, job: tuple[Path, Path]) -> str:
    return resize(*job, resizing)


def resize(source: Path, target: Path, resizing: Resizing) -> str:
    """Make one video completely or not at all.

    Returns:
        The problem, or "" if there is none.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        frames, rate, aspect = _frames_of(source, resizing)
        start, first = next(frames)
        height, width = first.shape[:2]
        with VideoWriter(target, height, width, rate, 1, KEY_FRAMES, aspect) as writer:
            writer.write(first, start)
            for seconds, frame in frames:
                writer.write(frame, seconds)
    except (InputError, ValueError, StopIteration) as error:
        return str(error) or f"{source}: no frame"
    return ""


def _frames_of(
    source: Path, resizing: Resizing
) -> tuple[Iterator[tuple[float, np.ndarray]], float, Fraction]:
    """Read a video or a folder of pictures.

    Returns:
        The frames as (seconds, (H, W, 3) uint8 RGB), the frame rate, and the aspect ratio (width by
        height) of a pixel.
    """
    if source.is_dir():
        names = [path for path in sorted(source.iterdir()) if path.suffix.lower() in PICTURES]
        return _pictures(names, resizing), resizing.rate, SQUARE
    with Video(source) as video:
        side = min(resizing.short_side, video.height, video.width)
        rate, aspect = video.rate, video.index.aspect
    return _stream(source, side), rate, aspect


def _stream(source: Path, short_side: int) -> Iterator[tuple[float, np.ndarray]]:
    with Video(source, short_side) as video:
        yield from video.stream()


def _pictures(paths: Iterable[Path], resizing: Resizing) -> Iterator[tuple[float, np.ndarray]]:
    for number, path in enumerate(paths):
        picture = read_picture(path)
        height, width = picture.shape[:2]
        size = scaled_size(height, width, min(resizing.short_side, height, width))
        if size != (height, width):
            picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
        yield number / resizing.rate, picture


def _write_lists(
    annotations: Annotations,
    files: Mapping[tuple[str, ...], Path],
    broken: Mapping[tuple[str, ...], str],
    root: Path,
) -> Outcome:
    root.mkdir(parents=True, exist_ok=True)
    write_class_map(root / "classes.csv", ClassMap(dict(enumerate(annotations.classes, 1))))
    outcome = Outcome({}, {}, [])
    for name, rows in annotations.lists.items():
        listed: dict[str, ListedVideo] = {}
        for wanted in rows:
            file, reason = files.get(wanted.names), broken.get(wanted.names, "")
            if file is None or reason:
                outcome.left_out.append((name, wanted.names[0], reason or MISSING))
                continue
            inside = file.is_relative_to(root)
            path = (file.relative_to(root) if inside else file.absolute()).as_posix()
            if path in listed:  # list a file once, even for two segments of one uncut video
                outcome.left_out.append((name, wanted.names[0], f"{path} is listed already"))
                continue
            listed[path] = ListedVideo(path, wanted.label)
        write_video_list(root / f"{name}.csv", list(listed.values()))
        outcome.listed[name], outcome.wanted[name] = len(listed), len(rows)
    with atomic_text(root / "left_out.csv") as file:
        rows = [("list", "video", "reason"), *outcome.left_out]
        csv.writer(file, lineterminator="\n").writerows(rows)
    return outcome
