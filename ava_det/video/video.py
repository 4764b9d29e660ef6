"""Frames of a video file at asked times, decoded by PyAV from the key frame before only.

A frame got at random is, bit for bit, the picture that reading the file through gives (unless the
file is damaged).
"""

import itertools
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ava_det.structures import InputError
from ava_det.video.frame_times import ORDINARY
from ava_det.video.index import DEFAULT_RATE, FrameIndex, mark_of, read_index
from ava_det.video.opening import feed, named, open_video, read_packets
from ava_det.video.orientation import Size, displayed_size
from ava_det.video.picture_size import scaled_size
from ava_det.video.sampling import nearest_frames


class Video:
    """One video file, open. A context manager; not for several threads at once.

    Frames come as the file says they are to be seen, turned and mirrored, in RGB, all of one size.
    Pixels come as they are: where they are not square, `displayed` is of another shape than frames.

    An MP4 that is cut short still lists the frames that are gone: they have (estimated) times here,
    so that no clip silently ends where the file does, and asking for one raises `InputError`.

    Attributes:
        path: the file.
        frame_times: (F,) float64 seconds from the first frame, in order of presentation.
        height: pixels of what `frames` returns.
        width: pixels of what `frames` returns.
        rate: average frames a second.
    """

    def __init__(
        self,
        path: str | Path,
        short_side: int | None = None,
        threads: int = 1,
        index: FrameIndex | None = None,
    ) -> None:
        """Open a file.

        Args:
            path: the file.
            short_side: resize frames so that the shorter side has exactly so many pixels, be it
                smaller or larger than the file's, and the other keeps the aspect (rounded); None
                leaves the size alone. Faster than resizing later.
            threads: decoding threads; more than one only pays outside of data-loader workers.
            index: the file's index if it is known already.

        Raises:
            InputError: not a video; the message names the file.
        """
        self.path = Path(path)
        self._container, self._stream = open_video(self.path, threads)
        self._packets = read_packets(self._container, self._stream)
        self._next = 0  # number of the packet that comes next, -1 where that is not known
        self._short_side, self._threads = short_side, threads
        if index is None:
            try:
                with named(self.path):
                    index = read_index(self.path, self._container, self._stream)
            except BaseException:
                self.close()
                raise
            self._next = -1
        self.index = index
        self.frame_times = index.times
        self._coded = scaled_size(index.height, index.width, short_side)
        self.width, self.height = index.orientation.size(*self._coded[::-1])
        span = float(self.frame_times[-1])
        rate = self._stream.average_rate
        self.rate = (len(self.frame_times) - 1) / span if span else float(rate or DEFAULT_RATE)
        self._reformatter = VideoReformatter()  # one for all frames: it keeps its tables

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """F, the number of frames."""
        return len(self.frame_times)

    @property
    def displayed(self) -> Size:
        """Width and height of what a player shows of the file, in square pixels."""
        index = self.index
        return displayed_size(*index.orientation.size(index.width, index.height), index.aspect)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def frames(self, times: np.ndarray) -> np.ndarray:
        """The frame nearest to each time (of two equally near the earlier).

        Args:
            times: (T,) seconds, in any order, with repeats; before the first frame and after the
                last mean those.

        Returns:
            (T, H, W, 3) uint8 RGB.

        Raises:
            InputError: one of the frames cannot be decoded.
        """
        wanted, where = np.unique(nearest_frames(self.frame_times, times), return_inverse=True)
        with named(self.path):
            pictures = np.empty((len(wanted), self.height, self.width, 3), np.uint8)
            lacking = dict(zip(wanted.tolist(), pictures, strict=True))
            for stretch in self._stretches(wanted):
                for frame, picture in self._decode(stretch):
                    lacking.pop(frame)[:] = self._rgb(picture)
        for frame in lacking:
            raise InputError(
                f"{self.path}: frame {frame} of {len(self)} (at {self.frame_times[frame]:.3f} s) "
                "cannot be decoded: the file is damaged or cut short"
            )
        in_order = np.array_equal(where, np.arange(len(wanted)))
        return pictures if in_order else pictures[where]

    def stream(self, start: float = 0.0) -> Iterator[tuple[float, np.ndarray]]:
        """Read through from the frame nearest to `start`, in flat memory.

        It has the file open for itself, so `frames` may be called meanwhile.

        Yields:
            (time in seconds, (H, W, 3) uint8 RGB).

        Raises:
            InputError: at the end, if frames of the file could not be decoded.
        """
        wanted = np.arange(int(nearest_frames(self.frame_times, start)), len(self))
        decoded = 0
        with (
            Video(self.path, self._short_side, self._threads, self.index) as video,
            named(self.path),
        ):
            for frame, picture in video.pictures(wanted):
                decoded += 1
                yield float(self.frame_times[frame]), np.ascontiguousarray(video._rgb(picture))
        if decoded < len(wanted):
            raise InputError(
                f"{self.path}: only {decoded} of {len(wanted)} frames can be decoded: "
                "the file is damaged or cut short"
            )

    def pictures(self, frames: np.ndarray) -> Iterator[tuple[int, av.VideoFrame]]:
        """Frames as they are decoded: of the file's size and pixel format, not turned.

        Args:
            frames: (T,) numbers, increasing.

        Yields:
            (number, frame) of those that can be decoded, in order.
        """
        with named(self.path):
            yield from _in_order(self._decode(frames), frames)

    def _rgb(self, picture: av.VideoFrame) -> np.ndarray:
        """(H, W, 3) uint8 of a decoded frame, a view of its memory."""
        height, width = self._coded
        image = self._reformatter.reformat(
            picture, width, height, format="rgb24", interpolation="BILINEAR", threads=self._threads
        )
        return self.index.orientation.apply(image.to_ndarray())

    def _stretches(self, wanted: np.ndarray) -> list[np.ndarray]:
        """Split frames (increasing) where going on decoding is worse than a new seek."""
        keys = [self.index.keys[self.index.places_before(frame)[0]] for frame in wanted]
        furthest = np.maximum.accumulate(self.index.packets[wanted])
        return np.split(wanted, 1 + np.flatnonzero(np.array(keys[1:]) > furthest[:-1] + 1))

    def _decode(self, wanted: np.ndarray) -> Iterator[tuple[int, av.VideoFrame]]:
        """Those of the frames (increasing) that can be decoded, in one run, with their numbers."""
        wanted = wanted[self.index.packets[wanted] < len(self.index.shown)]
        if not len(wanted):
            return
        for place in self.index.places_before(wanted[0]):
            run = self._decode_from(place, wanted)
            frame, picture = next(run, (-1, None))
            if picture is not None and (frame == wanted[0] or place == 0):
                yield frame, picture
                yield from run
                return

    def _decode_from(self, place: int, wanted: np.ndarray) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode from one place; nothing if it turns out not to be a key frame."""
        packets = self.index.packets[wanted]
        key, last = self.index.keys[place], packets.max()
        asked = np.zeros(len(self.index.shown), bool)
        asked[packets] = True
        self._go_to(place)
        codec = self._stream.codec_context
        codec.flush_buffers()
        for number, packet in itertools.chain(self._read(key, last), [(last, None)]):
            # What no other picture refers to need not be decoded unless it is asked for.
            codec.skip_frame = "DEFAULT" if asked[number] else "NONREF"
            for source, picture in feed(self._stream, packet, number):
                if source == key and place and not picture.key_frame:
                    return
                if asked[source] and not picture.is_corrupt:
                    asked[source] = False
                    yield int(self.index.shown[source]), picture

    def _read(self, first: int, last: int) -> Iterator[tuple[int, av.Packet]]:
        """Packets from `first`, at or ahead of the position, to `last`, with their numbers."""
        for packet in self._packets:
            number = self._next
            self._next += 1
            if number >= first:
                yield number, packet
            if number >= last:
                return

    def _go_to(self, place: int) -> None:
        """Make the packet of a place the next one, or one ahead of it."""
        key, stamps = self.index.keys[place], self.index.stamps
        # Some containers go to the packet after a time stamp, hence the place before.
        near = (*stamps[place], *stamps[max(place - 1, 0)])
        if self._next != key and not any(self._seek(stamp, key) for stamp in near):
            self._rewind()

    def _seek(self, stamp: int, key: int) -> bool:
        """Go to a time stamp; False unless that is at the packet `key` or known to be before it."""
        try:
            self._container.seek(stamp, stream=self._stream)
        except av.FFmpegError:
            return False
        packets = read_packets(self._container, self._stream)
        for packet in packets:
            number = self.index.numbers.get(mark_of(packet))
            if number is not None:
                self._packets, self._next = itertools.chain([packet], packets), number
                return number <= key
        return False

    def _rewind(self) -> None:
        """Open the file again, at its first packet."""
        self.close()
        self._container, self._stream = open_video(self.path, self._threads)
        self._packets, self._next = read_packets(self._container, self._stream), 0


def _in_order(
    decoded: Iterable[tuple[int, av.VideoFrame]], wanted: np.ndarray
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frames by number: a decoder may give those of a damaged file in another order.

    What comes before its turn waits, until it is clear that the frames before it are lost: no codec
    holds a frame back for longer.
    """
    waiting: dict[int, av.VideoFrame] = {}
    turns = iter(wanted.tolist())
    turn = next(turns, None)
    for frame, picture in itertools.chain(decoded, [(-1, None)]):
        if picture is not None and turn is not None and frame >= turn:
            waiting[frame] = picture
        while waiting and (turn in waiting or len(waiting) > ORDINARY or picture is None):
            if turn in waiting:
                yield turn, waiting.pop(turn)
            turn = next(turns, None)


class FrameReader(Protocol):
    """Frames of many files, by path: what data sets are given."""

    def times(self, path: str | Path) -> np.ndarray:
        """(F,) float64, seconds of the frames of a file from its first one."""
        ...

    def size(self, path: str | Path) -> tuple[int, int]:
        """(height, width) of what `frames` returns for a file."""
        ...

    def frames(self, path: str | Path, times: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB: the frames of a file nearest to the times, as `Video.frames`."""
        ...


class VideoReader:
    """A `FrameReader` that decodes what it is asked for.

    It keeps the indexes of the files used last, and the last file open. It can be pickled and
    survives a fork: a new process opens files anew.
    """

    def __init__(self, short_side: int | None = None, threads: int = 1, indexes: int = 64) -> None:
        """Set up a reader.

        Args:
            short_side: as in `Video`.
            threads: as in `Video`.
            indexes: how many indexes to keep.
        """
        self._settings = short_side, threads, indexes
        self._indexes: OrderedDict[tuple, FrameIndex] = OrderedDict()
        self._last: tuple[tuple, Video] | None = None

    def __reduce__(self) -> tuple:
        return VideoReader, self._settings

    def times(self, path: str | Path) -> np.ndarray:
        """(F,) float64, seconds of the frames of a file from its first one."""
        return self._video(path).frame_times

    def size(self, path: str | Path) -> tuple[int, int]:
        """(height, width) of what `frames` returns for a file."""
        video = self._video(path)
        return video.height, video.width

    def frames(self, path: str | Path, times: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB: the frames of a file nearest to the times, as `Video.frames`."""
        return self._video(path).frames(times)

    def _video(self, path: str | Path) -> Video:
        """The file, open in this process."""
        short_side, threads, indexes = self._settings
        try:
            status = os.stat(path)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        file = str(path), status.st_size, status.st_mtime_ns
        key = *file, os.getpid()  # an open file must not be shared with a forked process
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        if self._last is not None:
            self._last[1].close()
            self._last = None
        video = Video(path, short_side, threads, self._indexes.pop(file, None))
        self._last = key, video
        self._indexes[file] = video.index
        if len(self._indexes) > indexes:
            self._indexes.popitem(last=False)
        return video
