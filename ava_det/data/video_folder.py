"""A folder of videos: their sizes and lengths by name."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from ava_det.data.video import VideoReader
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
        self._reader = VideoReader()
        self.size = cache(self._size)  # (height, width) of a video
        self._times = cache(self._read_times)

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
            times, file = self._times(keyframe.video), self._file(keyframe.video)
            if clock.rate is None:
                last = clock.start + len(times) - 1
                if not clock.start <= keyframe.tick <= last:
                    raise InputError(
                        f"{where}: there is no frame {keyframe.tick} in {file}, which has "
                        f"{clock.start} to {last}"
                    )
                continue
            frame = max((times[-1] - times[0]) / max(len(times) - 1, 1), 1e-3)
            seconds = clock.seconds(keyframe.tick)
            if not 0 <= seconds <= times[-1] + 1.5 * frame:
                raise InputError(
                    f"{where}: tick {keyframe.tick} is {seconds:g} s at a rate of {clock.rate:g}, "
                    f"and {file} lasts {times[-1] + frame:.1f} s"
                )

    def _size(self, video: str) -> tuple[int, int]:
        return self._reader.size(self._file(video))

    def frames(self, video: str) -> int:
        """How many frames a video has."""
        return len(self._times(video))

    def _read_times(self, video: str) -> np.ndarray:
        return self._reader.times(self._file(video))

    def _file(self, video: str) -> Path:
        if video not in self.files:
            raise InputError(f"{self.path}: has no video {video!r}")
        return self.files[video]
