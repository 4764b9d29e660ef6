"""How long and how large the pictures of a video are, and which ticks lie in it."""

import math
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from ava_det.formats.frame_lists import FrameList
from ava_det.structures import Clock, InputError
from ava_det.video.frame_times import ORDINARY
from ava_det.video.index import COUNTING, MADE_UP, ends_too_soon, usual_step
from ava_det.video.opening import first_picture, named, open_video, read_packets
from ava_det.video.orientation import Size, displayed_size, orientation_of, shown_aspect
from ava_det.video.video import Video

TABLES = {"mov,mp4,m4a,3gp,3g2,mj2", "avi"}  # containers with a table of all of their packets
MOST_TICKS = 10  # a frame: more would show the same pictures again
END = 1 << 61  # a time stamp after every other


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
        """(N,) int64, all ticks up to the last frame.

        Raises:
            ValueError: they are many times more than there are frames: most is a gap.
        """
        count = self.frames
        if clock.rate is not None:
            count = int((self.seconds - 1 / self.rate) * clock.rate + 1e-6) + 1
            if count > MOST_TICKS * (self.frames + 1):
                raise ValueError(
                    f"has {self.frames} frames in {self.seconds:g} s, too few for a rate of "
                    f"{clock.rate:g}"
                )
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
    with container, named(path):
        found = _header_facts(path, container, stream, count)
    return found or file_facts(path)


def _header_facts(
    path: Path, container: InputContainer, stream: VideoStream, count: bool
) -> Facts | None:
    """Facts from a header that can be trusted; None where the packets have to be read.

    It can where it has a table of all packets (MP4, AVI) and each of them is a frame. The length
    that Matroska gives is that of its longest stream, so its last pictures are looked at, and so
    are those of MP4, whose table has no times of presentation.
    """
    rate, (first, picture) = stream.average_rate, first_picture(container, stream)
    if picture is None or first or not rate or ends_too_soon(path, container, stream):
        return None
    base = float(stream.time_base or 1)
    if container.format.name in TABLES:
        table = list(stream.index_entries)
        if len(table) != stream.frames or any(entry.is_discard for entry in table):
            return None
        stamps = np.array([entry.timestamp for entry in table])
        frames, step = len(table), usual_step(stamps * base)
        ends = int(stamps[0]), int(stamps[-1])
        if container.format.name not in COUNTING:  # the table is in order of decoding
            ends = picture.pts, _last_stamp(container, stream)
        seconds = _between(*ends, base) + step
    elif container.format.name in MADE_UP and not count:
        seconds = _between(picture.pts, _last_stamp(container, stream), base) + float(1 / rate)
        frames = round(seconds * float(rate)) if seconds > 0 else 0
        if frames > container.size:  # a byte each: most of that time is a gap
            return None
    else:
        return None
    if seconds <= 0:
        return None
    orientation = orientation_of(picture)
    size = orientation.size(picture.width, picture.height)
    displayed = displayed_size(*size, shown_aspect(stream.sample_aspect_ratio, orientation))
    return Facts(seconds, frames, float(rate), size, displayed=displayed)


def _between(first: int | None, last: int | None, base: float) -> float:
    """Seconds from one time stamp to another; negative infinity where these do not tell it."""
    return -math.inf if first is None or last is None else (last - first) * base


def _last_stamp(container: InputContainer, stream: VideoStream) -> int | None:
    """The time stamp of the last frame, found by looking at the end; None if that fails, or if
    stamps there are far from the others, as damaged ones are.
    """
    try:
        container.seek(END, stream=stream)
    except av.FFmpegError:
        return None
    packets = read_packets(container, stream)
    stamps = sorted({packet.pts for packet in packets if packet.pts is not None})
    steps = np.diff(stamps)
    if len(steps) and steps.max() > ORDINARY * np.median(steps):
        return None
    return stamps[-1] if stamps else None


def file_facts(path: Path) -> Facts:
    """Facts of a video file, from all of its packets and its first picture.

    Raises:
        InputError: it is no readable video.
    """
    with Video(path) as video:
        index = video.index
        frames = int((index.packets < len(index.shown)).sum())  # those that are gone come last
        seconds = float(index.times[frames - 1]) + index.step
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
