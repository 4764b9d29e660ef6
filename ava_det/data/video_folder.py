"""A folder of videos: their sizes and lengths by name."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ava_det.data.video import VideoReader
from ava_det.data.video_files import video_files
from ava_det.structures import InputError, Keyframe


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
        self.frames = cache(self._frames)  # how many frames a video has

    def require_frames(self, where: str, keyframes: Iterable[Keyframe], first: int = 0) -> None:
        """Refuse ticks that are no frame.

        Args:
            where: what the message starts with.
            keyframes: whose ticks are frames.
            first: the tick of a video's first frame.

        Raises:
            InputError: the first tick outside its video.
        """
        for keyframe in keyframes:
            frames = self.frames(keyframe.video)
            if not first <= keyframe.tick < first + frames:
                raise InputError(
                    f"{where}: there is no frame {keyframe.tick} in {self._file(keyframe.video)}, "
                    f"which has {first} to {first + frames - 1}"
                )

    def _size(self, video: str) -> tuple[int, int]:
        return self._reader.size(self._file(video))

    def _frames(self, video: str) -> int:
        return len(self._reader.times(self._file(video)))

    def _file(self, video: str) -> Path:
        if video not in self.files:
            raise InputError(f"{self.path}: has no video {video!r}")
        return self.files[video]
