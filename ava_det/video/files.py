"""The videos of a folder by name."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from ava_det.formats.video_names import VIDEO_SUFFIXES
from ava_det.structures import Clock, InputError, Keyframe
from ava_det.video.facts import file_facts


def video_files(folder: Path) -> dict[str, Path]:
    """Name (path below the folder, without suffix) to file of every video below a folder.

    Raises:
        InputError: no folder, no video in it, or two of one name.
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
    """The video files anywhere below a folder, by bare name.

    Raises:
        InputError: there is no such folder, or two files of one name.
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
    """Whether a video file is anywhere below a folder, which need not be there."""
    return any(_is_video(folder, path) for path in folder.rglob("*"))


def _below(folder: Path) -> Iterator[Path]:
    """The video files, in order."""
    return (path for path in sorted(folder.rglob("*")) if _is_video(folder, path))


def _is_video(folder: Path, path: Path) -> bool:
    """Not if it is hidden: what is being written, or macOS's "._film.mp4"."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and path.is_file()


class VideoFolder:
    """The videos below a folder.

    Args:
        path: the folder.

    Raises:
        InputError: there is no such folder, or no video in it.
    """

    def __init__(self, path: Path) -> None:
        """See the class."""
        self.path = path
        self.files = video_files(path)
        self._facts = cache(lambda video: file_facts(self.file(video)))

    def require_inside(self, where: str, keyframes: Iterable[Keyframe], clock: Clock) -> None:
        """Refuse ticks outside their video.

        Args:
            where: what the message starts with.
            keyframes: the ticks.
            clock: what they are.

        Raises:
            InputError: the first tick that is no frame, or is more than 1.5 frames after the last.
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
        """(height, width) of the frames of a video as stored, turned as the file says."""
        size = self._facts(video).size
        assert size is not None  # a file has one, unlike a list of frames
        return size[1], size[0]

    def displayed(self, video: str) -> tuple[int, int]:
        """(height, width) of a video as a browser shows it, in square pixels: VIA's shape."""
        displayed = self._facts(video).displayed
        assert displayed is not None  # as for the size
        return displayed[1], displayed[0]

    def frames(self, video: str) -> int:
        """How many frames a video has."""
        return self._facts(video).frames

    def file(self, video: str) -> Path:
        """The file of a video.

        Raises:
            InputError: there is none.
        """
        if video not in self.files:
            raise InputError(f"{self.path}: has no video {video!r}")
        return self.files[video]
