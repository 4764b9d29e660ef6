"""Finds the videos of a folder by name."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from ava_det.formats.video_names import VIDEO_SUFFIXES
from ava_det.structures import Clock, InputError, Keyframe
from ava_det.video.facts import file_facts


def video_files(folder: Path) -> dict[str, Path]:
    """Map the name of every video below a folder (relative path without suffix) to the file.

    Raises:
        InputError: The folder does not exist or has no video, or two videos have the same name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of videos")
    files: dict[str, Path] = {}
    for path in _below(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in files:
            raise InputError(f"{path}: {files[name].name} beside it has the same name")
        files[name] = path
    if not files:
        raise InputError(f"{folder}: has no video ({', '.join(sorted(VIDEO_SUFFIXES))})")
    return files


def files_by_stem(folder: Path) -> dict[str, Path]:
    """Map the bare name of every video at any depth below a folder to the file.

    Raises:
        InputError: The folder does not exist, or two files have the same name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; datasets/README.md says what goes here")
    files: dict[str, Path] = {}
    for path in _below(folder):
        other = files.setdefault(path.stem, path)
        if other != path:
            raise InputError(f"{path}: {other} has the same name; move one of them away")
    return files


def has_video(folder: Path) -> bool:
    """Return whether a video file is at any depth below a folder; False without the folder."""
    return any(_is_video(folder, path) for path in folder.rglob("*"))


def _below(folder: Path) -> Iterator[Path]:
    """Yield the video files below a folder, in order."""
    return (path for path in sorted(folder.rglob("*")) if _is_video(folder, path))


def _is_video(folder: Path, path: Path) -> bool:
    """Return whether a path is a video. Hidden files, such as macOS's "._film.mp4", are not."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and path.is_file()


class VideoFolder:
    """The videos below a folder.

    Args:
        path: The folder.

    Raises:
        InputError: The folder does not exist or has no video.
    """

    def __init__(self, path: Path) -> None:
        """See the class."""
        self.path = path
        self.files = video_files(path)
        self._facts = cache(lambda video: file_facts(self.file(video)))

    def require_inside(self, where: str, keyframes: Iterable[Keyframe], clock: Clock) -> None:
        """Refuse keyframes outside their video.

        Args:
            where: The start of the error message.
            keyframes: The keyframes.
            clock: Converts ticks to times.

        Raises:
            InputError: A tick is no frame, or is more than 1.5 frames after the last frame.
        """
        for keyframe in keyframes:
            facts, file = self._facts(keyframe.video), self.file(keyframe.video)
            if not facts.outside(np.array([keyframe.tick]), clock)[0]:
                continue
            if clock.rate is None:
                raise InputError(
                    f"{where}: there is no frame {keyframe.tick} in {file}, which has "
                    f"{clock.start} to {clock.start + facts.frames - 1}"
                )
            raise InputError(
                f"{where}: tick {keyframe.tick} is {clock.seconds(keyframe.tick):g} s at a rate of "
                f"{clock.rate:g}, and {file} lasts {facts.seconds:.1f} s"
            )

    def size(self, video: str) -> tuple[int, int]:
        """Return (height, width) of a video's stored frames, after the file's rotation."""
        size = self._facts(video).size
        assert size is not None  # a file always has a size, unlike a list of frames
        return size[1], size[0]

    def displayed(self, video: str) -> tuple[int, int]:
        """Return (height, width) of a video in a browser, in square pixels, as VIA uses."""
        displayed = self._facts(video).displayed
        assert displayed is not None  # as for the size
        return displayed[1], displayed[0]

    def frames(self, video: str) -> int:
        """Return the number of frames of a video."""
        return self._facts(video).frames

    def file(self, video: str) -> Path:
        """Return the file of a video.

        Raises:
            InputError: The folder has no such video.
        """
        if video not in self.files:
            raise InputError(f"{self.path}: has no video {video!r}")
        return self.files[video]
