"""How long and how large the pictures of a video are, and which ticks lie in it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ava_det.data.orientation import Size, displayed_size, orientation_of, shown_aspect
from ava_det.data.video import Video
from ava_det.data.video_index import ends_too_soon, first_picture, header_seconds, open_video
from ava_det.formats.frame_lists import FrameList
from ava_det.structures import Clock, InputError


class Facts(NamedTuple):
    """What the pictures of a video are, as far as its file goes.

    Attributes:
        seconds: how long, the last picture's own time included.
        frames: how many.
        rate: a second, on average.
        size: width and height of the frames as stored, once they are turned as the file says: what
            OpenCV and CVAT give; None where that is not known.
        cut_short: whether the file ends before it says, as a download that broke off does.
        displayed: width and height as a player shows the frames, their pixels made square: a
            browser's `videoWidth` and `videoHeight`, in which VIA counts; None as for `size`.
    """

    seconds: float
    frames: int
    rate: float
    size: Size | None
    cut_short: bool = False
    displayed: Size | None = None

    def outside(self, ticks: np.ndarray, clock: Clock) -> np.ndarray:
        """(N,) bool: the ticks that are no frame, or lie before the first frame or more than one
        and a half after the last.
        """
        places = ticks - clock.start
        if clock.rate is None:
            return (places < 0) | (places >= self.frames)
        return (places < 0) | (places / clock.rate > self.seconds + 0.5 / self.rate)

    def ticks(self, clock: Clock) -> np.ndarray:
        """(N,) int64, all ticks up to the last frame."""
        count = self.frames
        if clock.rate is not None:
            count = int((self.seconds - 1 / self.rate) * clock.rate + 1e-6) + 1
        return clock.start + np.arange(count)


def header_facts(path: Path, count: bool = False) -> Facts:
    """Facts of a video file, from its header where that tells all of them and the file is whole.

    Args:
        path: the file.
        count: whether the number of frames must be exact.

    Raises:
        InputError: it is no readable video.
    """
    container, stream = open_video(path)
    with container:
        seconds, rate = header_seconds(container, stream), stream.average_rate
        frames = stream.frames or (0 if count or not seconds else round(seconds * float(rate or 0)))
        if seconds and rate and frames and not ends_too_soon(path, container, stream):
            picture = first_picture(container, stream)
            if picture is not None:
                orientation = orientation_of(picture)
                size = orientation.size(picture.width, picture.height)
                aspect = shown_aspect(stream.sample_aspect_ratio, orientation)
                displayed = displayed_size(*size, aspect)
                return Facts(seconds, frames, float(rate), size, displayed=displayed)
    return file_facts(path)


def file_facts(path: Path) -> Facts:
    """Facts of a video file, from all of its packets and its first picture.

    Raises:
        InputError: it is no readable video.
    """
    with Video(path) as video:
        index = video.index
        frames = int((index.packets < len(index.shown)).sum())  # those that are gone come last
        seconds = float(index.times[frames - 1]) + 1 / video.rate
        size = video.width, video.height
        return Facts(seconds, frames, video.rate, size, index.cut_short, video.displayed)


def require_whole(path: Path, facts: Facts) -> Facts:
    """The facts of a file, unless it is cut short.

    Raises:
        InputError: it is.
    """
    if facts.cut_short:
        there = f"{facts.frames} frames ({facts.seconds:.1f} s)"
        raise InputError(f"{path}: the file is cut short: {there} of it are there; get it again")
    return facts


def list_facts(frames: FrameList, rate: float, size: Size | None = None) -> Facts:
    """Facts of a video that lies as so many frames a second."""
    return Facts(len(frames) / rate, len(frames), rate, size, displayed=size)
