"""Looks up the pictures of keyframes in video files."""

from pathlib import Path

import numpy as np

from ava_det.structures import Clock, InputError
from ava_det.video.video import Video


class KeyframePictures:
    """Looks up the frame of a keyframe in the video files below a folder.

    Args:
        folder: The folder of the video files. A file is named after the video, with any suffix. It
            may be in another subfolder if no other file has the same name.
        clock: Converts ticks to seconds.
    """

    def __init__(self, folder: Path, clock: Clock):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
        self.folder, self.clock = folder, clock
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files: dict[str, Path] = {}
        for path in paths:
            self._files.setdefault(path.stem, path)
        for path in paths:
            self._files[path.relative_to(folder).with_suffix("").as_posix()] = path

    def __call__(self, video: str, tick: int) -> np.ndarray:
        """Return the picture of a keyframe, (H, W, 3) uint8 RGB.

        Raises:
            InputError: The folder has no such video, or the tick is outside the video.
        """
        path = self._files.get(video) or self._files.get(video.rpartition("/")[2])
        if path is None:
            raise InputError(f"{self.folder}: no such video in it")
        with Video(path) as file:
            try:
                time = self.clock.seconds(tick, file.frame_times)
            except IndexError as error:
                raise InputError(f"{path}: {error}") from None
            if not 0 <= time <= file.frame_times[-1] + 0.5:
                last = file.frame_times[-1]
                raise InputError(f"{path}: no frame at {time:g} s; the last is at {last:.1f} s")
            return file.frames(np.array([time]))[0]
