"""Reads videos stored as picture files: in PySlowFast's frame lists, or in one folder per video."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ava_det.formats.frame_lists import FrameList, Stretch, read_frame_lists
from ava_det.structures import InputError
from ava_det.video.picture_files import read_picture
from ava_det.video.picture_size import scaled_size
from ava_det.video.sampling import nearest_frames
from ava_det.video.video import FrameReader

_PICTURE = re.compile(r"(\d{5,6})(\.png|\.jpg)")


@dataclass(frozen=True)
class FrameFolder:
    """A folder of frames, and the lists that assign frames to videos.

    The path `folder / NAME` stands for the video NAME, even if no such folder exists.

    Attributes:
        folder: The folder that the paths in the lists are relative to.
        lists: Files in the format of `ava_det.formats.frame_lists`. Without lists, every folder at
            any depth with pictures 00001.png (or .jpg), 00002.png ... is a video, as in ACT.
        rate: Frames per second.
    """

    folder: Path
    lists: tuple[Path, ...] = ()
    rate: float = 30.0

    @property
    def origin(self) -> Path:
        """Return the path to name in messages: the list of frames, or else the folder."""
        return self.lists[0] if self.lists else self.folder

    def videos(self) -> dict[str, FrameList]:
        """Return the frames of each video. Cache the result, since AVA's training list is long.

        Raises:
            InputError: A list does not exist or is malformed.
        """
        if not self.lists:
            return _numbered(self.folder)
        try:
            stamps = tuple(os.stat(path).st_mtime_ns for path in self.lists)
        except OSError as error:
            raise InputError(f"{error.filename}: {error.strerror}") from error
        return _read(self.lists, stamps)


@lru_cache(maxsize=4)
def _read(lists: tuple[Path, ...], _: tuple[int, ...]) -> dict[str, FrameList]:
    return read_frame_lists(lists)


def folders_of(pictures: Path | FrameFolder) -> tuple[FrameFolder, ...]:
    """Return the sources that a `FrameFolderReader` needs to read these pictures."""
    return (pictures,) if isinstance(pictures, FrameFolder) else ()


def pictures_of(
    pictures: Path | FrameFolder, find: Callable[[Path], dict[str, Path]]
) -> dict[str, str]:
    """Return the file of each video by name. For a folder of videos, `find` finds the files."""
    if isinstance(pictures, FrameFolder):
        return {name: str(pictures.folder / name) for name in pictures.videos()}
    return {name: str(path) for name, path in find(pictures).items()}


@lru_cache(maxsize=4)
def _numbered(folder: Path) -> dict[str, FrameList]:
    """Return the folders of numbered pictures. A gap in the numbers is a missing frame."""
    videos = {}
    for place, folders, names in os.walk(folder):
        folders.sort()
        found = [match for match in map(_PICTURE.fullmatch, names) if match]
        if found:
            last = max(found, key=lambda match: int(match[1]))
            name = Path(place).relative_to(folder).as_posix()
            numbers = range(1, int(last[1]) + 1)
            videos[name] = FrameList([Stretch(f"{name}/", len(last[1]), last[2], numbers)])
    return videos


class FrameFolderReader:
    """A `FrameReader` of frame folders that passes all other paths to another reader.

    Args:
        sources: The frame folders.
        others: The reader of all other paths.
        short_side: See `Video`.
    """

    def __init__(
        self, sources: Sequence[FrameFolder], others: FrameReader, short_side: int | None = None
    ) -> None:
        self.sources, self.others, self.short_side = tuple(sources), others, short_side
        self._sizes: dict[str, tuple[int, int]] = {}

    def times(self, path: str | Path) -> np.ndarray:
        """Return the times of a video's frames, (F,) float64, in seconds from the first frame."""
        found = self._find(path)
        if found is None:
            return self.others.times(path)
        source, frames = found
        return np.arange(len(frames)) / source.rate

    def size(self, path: str | Path) -> tuple[int, int]:
        """Return (height, width) of the frames of a video, taken from the first frame."""
        found = self._find(path)
        if found is None:
            return self.others.size(path)
        key = str(path)
        if key not in self._sizes:
            height, width, _ = read_picture(found[0].folder / found[1][0]).shape
            self._sizes[key] = scaled_size(height, width, self.short_side)
        return self._sizes[key]

    def frames(self, path: str | Path, times: np.ndarray) -> np.ndarray:
        """Return a video's frames nearest to the times, (T, H, W, 3) uint8 RGB. See `Video`.

        Raises:
            InputError: A frame is missing, is broken or differs in size from the first frame.
        """
        found = self._find(path)
        if found is None:
            return self.others.frames(path, times)
        source, names = found
        height, width = self.size(path)
        wanted, where = np.unique(nearest_frames(self.times(path), times), return_inverse=True)
        pictures = np.empty((len(wanted), height, width, 3), np.uint8)
        for picture, frame in zip(pictures, wanted.tolist(), strict=True):
            file = source.folder / names[frame]
            image = read_picture(file)
            if scaled_size(image.shape[0], image.shape[1], self.short_side) != (height, width):
                raise InputError(f"{file}: {image.shape[1]} x {image.shape[0]}, unlike the first")
            if image.shape[:2] != (height, width):
                shrinks = image.shape[0] > height
                method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
                image = cv2.resize(image, (width, height), interpolation=method)
            picture[:] = image
        return pictures[where]

    def _find(self, path: str | Path) -> tuple[FrameFolder, FrameList] | None:
        """Return the source and the frames of a video; None if the path is in no source."""
        missing = ""
        for source in self.sources:  # lists of training and of testing may share a folder
            if Path(path).is_relative_to(source.folder):
                name = Path(path).relative_to(source.folder).as_posix()
                frames = source.videos().get(name)
                if frames is not None:
                    return source, frames
                missing = f"{source.origin}: no frame of video {name!r} is listed"
        if missing:
            raise InputError(missing)
        return None
