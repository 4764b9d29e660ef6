"""Make keyframes of data sets that annotate tubes: UCF101-24, JHMDB, MultiSports."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.boxes import clip_relative, to_relative
from ava_det.data.sets.annotated import Annotated, Pictures
from ava_det.data.sets.keyframes import Keyframes, keyframes_of
from ava_det.formats.ava_rows import BOX
from ava_det.formats.tube_pickle import AnnotatedTube
from ava_det.structures import FRAME_CLOCK, AnnotatedKeyframe, InputError, Keyframe, PersonBoxes
from ava_det.video.files import files_by_stem
from ava_det.video.frame_folders import (
    FrameFolder,
    FrameFolderReader,
    folders_of,
    pictures_of,
)
from ava_det.video.video import VideoReader

logger = logging.getLogger(__name__)


def files_of(source: Path | FrameFolder) -> dict[str, str]:
    """Return the file, or the folder of frames, of every video by bare name.

    Raises:
        InputError: The folder of the videos is missing.
    """
    found = pictures_of(source, files_by_stem)
    return {name.rpartition("/")[2]: path for name, path in found.items()}


def set_keyframes(
    source: Path | FrameFolder,
    tubes: Mapping[str, Sequence[AnnotatedTube]],
    size: tuple[int, int],
    keep_empty: bool,
) -> Keyframes:
    """Make the keyframes of a data set; warn if a tube is longer than the video.

    Args:
        source: The folder of the videos, which are found by bare name.
        tubes: The tubes of each video; see `tube_keyframes`.
        size: The height and width that the boxes of all videos refer to.
        keep_empty: See `tube_keyframes`.
    """
    files, reader = files_of(source), FrameFolderReader(folders_of(source), VideoReader())
    items: list[AnnotatedKeyframe] = []
    for video, its in tubes.items():
        path = path_of(files, source, video)
        frames = len(reader.times(path))
        last = max((int(tube.frames.max(initial=-1)) for tube in its), default=-1)
        if last >= frames:
            logger.warning("%s is annotated up to frame %d, but has %d frames", video, last, frames)
        items += tube_keyframes(path, video, its, size, frames, keep_empty)
    return keyframes_of(items)


def tube_keyframes(
    path: str,
    video: str,
    tubes: Sequence[AnnotatedTube],
    size: tuple[int, int],
    frames: int,
    keep_empty: bool,
) -> Iterator[AnnotatedKeyframe]:
    """Make the keyframes of a video; a person's id is the index of the tube.

    Args:
        path: The video file.
        video: The name of the video.
        tubes: Tubes with 0-based labels and boxes xyxy in pixels.
        size: The height and width that the boxes refer to.
        frames: The number of frames in the file; later boxes are left out.
        keep_empty: Make keyframes of frames without people too. In an untrimmed video a detection
            on such a frame is a false positive.
    """
    order = [(tube.frames, np.full(len(tube.frames), k)) for k, tube in enumerate(tubes)]
    if not order:
        frame, person = np.zeros(0, np.int64), np.zeros(0, np.int64)
    else:
        frame, person = (np.concatenate(parts) for parts in zip(*order, strict=True))
    boxes = np.concatenate([np.zeros((0, 4)), *(tube.boxes for tube in tubes)])
    boxes = clip_relative(to_relative(boxes, *size))
    by_frame = np.argsort(frame, kind="stable")
    ends = np.searchsorted(frame[by_frame], np.arange(frames + 1))
    for tick in range(frames):
        rows = by_frame[ends[tick] : ends[tick + 1]]
        keyframe = Keyframe(video, tick)
        if len(rows):
            actions = tuple((tubes[k].label + 1,) for k in person[rows].tolist())
            ones = np.ones(len(rows))
            yield AnnotatedKeyframe(
                path, PersonBoxes(keyframe, boxes[rows], actions, ones, person[rows])
            )
        elif keep_empty:
            yield AnnotatedKeyframe(path, PersonBoxes.nobody(keyframe))


def path_of(files: Mapping[str, str], source: Path | FrameFolder, video: str) -> str:
    """Return the file of a video among the `files_of` a source.

    The name of the video may start with folders.

    Raises:
        InputError: No file has this name.
    """
    stem = video.rpartition("/")[2]
    if stem not in files:
        folder = source.folder if isinstance(source, FrameFolder) else source
        raise InputError(f"{folder}: no file of video {video}")
    return files[stem]


def annotated_tubes(
    path: Path,
    source: Path | FrameFolder,
    tubes: Mapping[str, Sequence[AnnotatedTube]],
    size: Mapping[str, tuple[int, int]],
    keep_empty: bool,
) -> Annotated:
    """Return the original annotations of a data set with tubes.

    Args:
        path: The file of the annotations.
        source: The folder of the videos, which are found by bare name.
        tubes: The tubes of each video, with 0-based labels and boxes xyxy in pixels.
        size: The height and width that the boxes refer to, by video.
        keep_empty: See `tube_keyframes`.
    """
    parts = [
        pd.DataFrame(to_relative(tube.boxes, *size[video]), columns=BOX).assign(
            video=video, tick=tube.frames, action=tube.label + 1, person=person
        )
        for video, its in tubes.items()
        for person, tube in enumerate(its)
    ]
    columns = ["video", "tick", *BOX, "action", "person"]
    table = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    found = files_by_stem(source) if isinstance(source, Path) else {}
    stems = {video: video.rpartition("/")[2] for video in tubes}
    named = {video: found[stem] for video, stem in stems.items() if stem in found}
    sizes = {video: (width, height) for video, (height, width) in size.items()}
    pictures = Pictures(source, found | named, FRAME_CLOCK, sizes=sizes)
    return Annotated(path, table.astype({"video": "category"}), pictures, not keep_empty)
