"""Reads frames of a video file at given times. PyAV decodes only from the key frame before.

Random access returns, bit for bit, the same picture as reading the whole file in order (unless the
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
    """An open video file. A context manager. Do not share one between threads.

    Frames are RGB and all of one size. The rotation and mirroring of the file are applied. Pixels
    are not resampled to squares: for other pixels, `displayed` has another shape than the frames.

    A truncated MP4 still lists the missing frames. They have estimated times here, so that no clip
    silently ends at the end of the file. To read a missing frame raises `InputError`.

    Attributes:
        path: The file.
        frame_times: (F,) float64 seconds from the first frame, in presentation order.
        height: The height in pixels of the frames that `frames` returns.
        width: The width in pixels of the frames that `frames` returns.
        rate: The average frames per second.
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
            path: The file.
            short_side: Resize frames to this shorter side in pixels, up or down; the longer side
                keeps the aspect (rounded). None keeps the size. This is faster than resizing later.
            threads: The number of decoding threads. More than one only helps outside of
                data-loader workers.
            index: The index of the file, if it was read before.

        Raises:
            InputError: The file is no video. The message names the file.
        """
        self.path = Path(path)
        edits = None if index is None else index.edits
        self._container, self._stream = open_video(self.path, threads, edits)
        self._packets = read_packets(self._container, self._stream)
        self._next = 0  # number of the next packet, -1 if unknown
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
        self._reformatter = VideoReformatter()  # shared by all frames, since it caches tables

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Return F, the number of frames."""
        return len(self.frame_times)

    @property
    def displayed(self) -> Size:
        """Return the width and height of the video in a player, in square pixels."""
        index = self.index
        return displayed_size(*index.orientation.size(index.width, index.height), index.aspect)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def frames(self, times: np.ndarray) -> np.ndarray:
        """Return the frame nearest to each time; ties go to the earlier frame.

        Args:
            times: (T,) seconds, in any order, also repeated. Times before the first or after the
                last frame are clamped.

        Returns:
            (T, H, W, 3) uint8 RGB.

        Raises:
            InputError: A frame cannot be decoded.
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
        """Read all frames from the frame nearest to `start`, in constant memory.

        The stream opens the file a second time, so `frames` may be called meanwhile.

        Yields:
            (time in seconds, (H, W, 3) uint8 RGB).

        Raises:
            InputError: Some frames could not be decoded. Raised at the end.
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
        """Decode frames in the file's size and pixel format, without rotation.

        Args:
            frames: (T,) increasing frame numbers.

        Yields:
            (number, frame) of each decodable frame, in order.
        """
        with named(self.path):
            yield from in_order(self._decode(frames), frames)

    def _rgb(self, picture: av.VideoFrame) -> np.ndarray:
        """Return a decoded frame as (H, W, 3) uint8, a view of the frame's memory."""
        height, width = self._coded
        image = self._reformatter.reformat(
            picture, width, height, format="rgb24", interpolation="BILINEAR", threads=self._threads
        )
        return self.index.orientation.apply(image.to_ndarray())

    def _stretches(self, wanted: np.ndarray) -> list[np.ndarray]:
        """Split increasing frames where a new seek is faster than to continue decoding."""
        keys = [self.index.keys[self.index.places_before(frame)[0]] for frame in wanted]
        furthest = np.maximum.accumulate(self.index.packets[wanted])
        return np.split(wanted, 1 + np.flatnonzero(np.array(keys[1:]) > furthest[:-1] + 1))

    def _decode(self, wanted: np.ndarray) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, frame) of each decodable frame of increasing numbers, in one run."""
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
        """Decode from one place; yield no frame if the place proves to be no key frame."""
        packets = self.index.packets[wanted]
        key, last = self.index.keys[place], packets.max()
        asked = np.zeros(len(self.index.shown), bool)
        asked[packets] = True
        self._go_to(place)
        codec = self._stream.codec_context
        codec.flush_buffers()
        for number, packet in itertools.chain(self._read(key, last), [(last, None)]):
            # Skip the frames that are neither wanted nor referred to by others.
            codec.skip_frame = "DEFAULT" if asked[number] else "NONREF"
            for source, picture in feed(self._stream, packet, number):
                if source == key and place and not picture.key_frame:
                    return
                if asked[source] and not picture.is_corrupt:
                    asked[source] = False
                    yield int(self.index.shown[source]), picture

    def _read(self, first: int, last: int) -> Iterator[tuple[int, av.Packet]]:
        """Yield (number, packet) from `first`, at or after the file position, to `last`."""
        for packet in self._packets:
            number = self._next
            self._next += 1
            if number >= first:
                yield number, packet
            if number >= last:
                return

    def _go_to(self, place: int) -> None:
        """Move the file position to the packet of a place, or to an earlier packet."""
        key, stamps = self.index.keys[place], self.index.stamps
        # Some containers seek to the packet after a time stamp, so also try the place before.
        near = (*stamps[place], *stamps[max(place - 1, 0)])
        if self._next != key and not any(self._seek(stamp, key) for stamp in near):
            self._rewind()

    def _seek(self, stamp: int, key: int) -> bool:
        """Seek a time stamp; False unless the new position is at or before the packet `key`."""
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
        """Reopen the file at the first packet."""
        self.close()
        self._container, self._stream = open_video(self.path, self._threads, self.index.edits)
        self._packets, self._next = read_packets(self._container, self._stream), 0


def in_order(
    decoded: Iterable[tuple[int, av.VideoFrame]], wanted: np.ndarray
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Sort frames by number, since a decoder may reorder the frames of a damaged file.

    An early frame waits until the frames before it are lost for sure: no codec delays a frame for
    longer.
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
    """The interface of a reader that data sets use: frames of many files, by path."""

    def times(self, path: str | Path) -> np.ndarray:
        """Return the times of a file's frames, (F,) float64, in seconds from the first frame."""
        ...

    def size(self, path: str | Path) -> tuple[int, int]:
        """Return (height, width) of the frames that `frames` returns for a file."""
        ...

    def frames(self, path: str | Path, times: np.ndarray) -> np.ndarray:
        """Return a file's frames nearest to the times, (T, H, W, 3) uint8 RGB. See `Video`."""
        ...


class VideoReader:
    """A `FrameReader` that decodes the requested frames on each call.

    The reader caches the indexes of the most recent files and keeps the last file open. It can be
    pickled and forked: a new process opens files again.
    """

    def __init__(self, short_side: int | None = None, threads: int = 1, indexes: int = 64) -> None:
        """Set up a reader.

        Args:
            short_side: See `Video`.
            threads: See `Video`.
            indexes: The number of indexes to cache.
        """
        self.short_side, self.threads, self.indexes = short_side, threads, indexes
        self._indexes: OrderedDict[tuple, FrameIndex] = OrderedDict()
        self._last: tuple[tuple, Video] | None = None

    def __reduce__(self) -> tuple:
        return VideoReader, (self.short_side, self.threads, self.indexes)

    def times(self, path: str | Path) -> np.ndarray:
        """Return the times of a file's frames, (F,) float64, in seconds from the first frame."""
        return self._video(path).frame_times

    def size(self, path: str | Path) -> tuple[int, int]:
        """Return (height, width) of the frames that `frames` returns for a file."""
        video = self._video(path)
        return video.height, video.width

    def frames(self, path: str | Path, times: np.ndarray) -> np.ndarray:
        """Return a file's frames nearest to the times, (T, H, W, 3) uint8 RGB. See `Video`."""
        return self._video(path).frames(times)

    def _video(self, path: str | Path) -> Video:
        """Return the open file of this process."""
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
        video = Video(path, self.short_side, self.threads, self._indexes.pop(file, None))
        self._last = key, video
        self._indexes[file] = video.index
        if len(self._indexes) > self.indexes:
            self._indexes.popitem(last=False)
        return video
