"""Reads the length, frame count and picture size of a video, and checks ticks against them."""

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

TABLES = {"mov,mp4,m4a,3gp,3g2,mj2", "avi"}  # containers with a table of all packets
MOST_TICKS = 10  # per frame: more ticks would only repeat pictures
END = 1 << 61  # a time stamp larger than all others


class Facts(NamedTuple):
    """The length, frame count and size of a video, for the part that is in the file.

    Attributes:
        seconds: The length in seconds, including the duration of the last frame.
        frames: The number of frames.
        rate: The average frames per second.
        size: Width and height of the stored frames after the rotation that the file asks for, as in
            OpenCV and CVAT; None if unknown.
        cut_short: Whether the file is truncated, for example by an interrupted download.
        displayed: Width and height of the video in a player, in square pixels: a browser's
            `videoWidth` and `videoHeight`, which VIA uses; None if unknown.
    """

    seconds: float
    frames: int
    rate: float
    size: Size | None
    cut_short: bool = False
    displayed: Size | None = None

    def outside(self, ticks: np.ndarray, clock: Clock) -> np.ndarray:
        """Return a mask (N,) of the ticks outside the video.

        A tick is outside if it is no frame, if it is before the first frame, or if it is more than
        1.5 frames after the last frame.
        """
        places = ticks - clock.start
        if clock.rate is None:
            return (places < 0) | (places >= self.frames)
        return (places < 0) | (places / clock.rate > self.seconds + 0.5 / self.rate)

    def ticks(self, clock: Clock) -> np.ndarray:
        """Return all ticks up to the last frame, (N,) int64.

        Raises:
            ValueError: The video has far fewer frames than ticks: most of its time is a gap.
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
    """Return the facts of a video file, from the header if possible, else from all packets.

    Args:
        path: The file.
        count: Whether the number of frames must be exact.

    Raises:
        InputError: The file is no readable video.
    """
    container, stream = open_video(path)
    with container, named(path):
        found = _header_facts(path, container, stream, count)
    return found or file_facts(path)


def _header_facts(
    path: Path, container: InputContainer, stream: VideoStream, count: bool
) -> Facts | None:
    """Return the facts from a reliable header; None if the packets must be read.

    A header is reliable if it has a table of all packets (MP4, AVI) and each packet is a frame. The
    length in a Matroska header is the length of the longest stream, and the MP4 table has no
    presentation times. For both, the last packets are read as well.
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
        if container.format.name not in COUNTING:  # the table is in decoding order
            ends = picture.pts, _last_stamp(container, stream)
        seconds = _between(*ends, base) + step
    elif container.format.name in MADE_UP and not count:
        seconds = _between(picture.pts, _last_stamp(container, stream), base) + float(1 / rate)
        frames = round(seconds * float(rate)) if seconds > 0 else 0
        if frames > container.size:  # a frame has at least one byte, so most of the time is a gap
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
    """Return the seconds between two time stamps; negative infinity if they are unusable."""
    return -math.inf if first is None or last is None else (last - first) * base


def _last_stamp(container: InputContainer, stream: VideoStream) -> int | None:
    """Return the time stamp of the last frame, read from the end of the file.

    None means that the end cannot be read, or that the stamps at the end are damaged (far from the
    others).
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
    """Return the facts of a video file, from all packets and the first picture.

    Raises:
        InputError: The file is no readable video.
    """
    with Video(path) as video:
        index = video.index
        frames = int((index.packets < len(index.shown)).sum())  # missing frames come last
        seconds = float(index.times[frames - 1]) + index.step
        size = video.width, video.height
        return Facts(seconds, frames, video.rate, size, index.cut_short, video.displayed)


def require_whole(path: Path, facts: Facts) -> Facts:
    """Return the facts unchanged, or refuse a truncated file.

    Raises:
        InputError: The file is cut short.
    """
    if facts.cut_short:
        rest = f"{facts.frames} frames ({facts.seconds:.1f} s)"
        raise InputError(f"{path}: the file is cut short: {rest} are left; get it again")
    return facts


def list_facts(frames: FrameList, rate: float, size: Size | None = None) -> Facts:
    """Return the facts of a video stored as a list of frames at a fixed rate."""
    return Facts(len(frames) / rate, len(frames), rate, size, displayed=size)
