"""A folder of videos: their sizes and lengths by name."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from ava_det.data.video_facts import file_facts
from ava_det.data.video_files import video_files
from ava_det.structures import Clock, InputError, Keyframe


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
