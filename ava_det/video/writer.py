"""Writes H.264 files with PyAV."""

import math
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from ava_det.formats.atomic import FULL, atomic_path
from ava_det.structures import InputError
from ava_det.video.orientation import SQUARE

TICKS = 90_000  # per second; fine enough for any frame rate in use
RATES = 0.001, 1000.0  # lowest and highest frames per second in a file header
LONGEST = 3600  # most seconds of a frame: MP4 stores durations, times a few, in 31 bits
MOST_DENOMINATOR = 1001  # of an encoder's frame rate, such as 30000/1001
BT601 = 6  # FFmpeg's number of the colour matrix of its RGB conversion; without it, players guess


@contextmanager
def writable(path: Path) -> Generator[None]:
    """Turn errors of FFmpeg or the disk into one line that names the output file."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        if error.errno in FULL:
            raise  # the error names the file, and `cli.one_line` adds the remedy
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be written ({reason})") from error


def encoder_rate(rate: float) -> Fraction:
    """Return a frame rate for the encoder. The rate is only a hint, since frames have times."""
    return Fraction(min(max(rate, RATES[0]), RATES[1])).limit_denominator(MOST_DENOMINATOR)


class VideoWriter:
    """Writes RGB frames to an MP4 that any browser can play while it loads. A context manager.

    The file appears when the block ends without an error. After an error, no file appears.

    >>> with VideoWriter("black.mp4", height=240, width=320, rate=25) as writer:
    ...     writer.write(np.zeros((240, 320, 3), np.uint8))
    """

    def __init__(
        self,
        path: str | Path,
        height: int,
        width: int,
        rate: float,
        threads: int = 0,
        key_frames: int | None = None,
        aspect: Fraction = SQUARE,
    ) -> None:
        """Set up a file to write.

        Args:
            path: The file.
            height: The height of the frames. An odd height becomes even: the last row is repeated.
            width: The width of the frames. An odd width becomes even: the last column is repeated.
            rate: Frames per second, for frames without a time.
            threads: The number of encoder threads; 0 means all cores.
            key_frames: The largest distance between key frames; None means 250, as in the encoder.
            aspect: Width divided by height of a pixel, for players.
        """
        self.path = Path(path)
        self.height, self.width, self.rate = height, width, rate
        self._threads, self._key_frames, self._aspect = threads, key_frames, aspect
        self._exit = ExitStack()
        self._container: OutputContainer
        self._stream: VideoStream
        self._pts: int | None = None
        self._time = 0.0  # time of the next frame if `write` gets none
        self._last = -math.inf  # time of the frame before
        self._left_out = 0  # ticks removed from long gaps

    def __enter__(self) -> "VideoWriter":
        with writable(self.path), ExitStack() as stack:
            self._open(stack)
            self._exit = stack.pop_all()
        return self

    def _open(self, stack: ExitStack) -> None:
        """Open the file and set up the encoder."""
        partial = stack.enter_context(atomic_path(self.path))
        partial.touch()  # fail now, not at the first frame
        options = {"movflags": "+faststart"}
        self._container = av.open(f"file:{partial}", "w", format="mp4", options=options)
        stack.enter_context(self._container)
        stack.push(self._finish)
        rate = encoder_rate(self.rate)
        self._stream = self._container.add_stream(
            "libx264", rate=rate, options={"preset": "veryfast", "crf": "20"}
        )
        codec = self._stream.codec_context
        codec.height = self.height + self.height % 2  # the colour planes have half of the rows
        codec.width = self.width + self.width % 2
        codec.pix_fmt = "yuv420p"
        codec.colorspace = BT601
        codec.thread_count = self._threads
        if self._key_frames is not None:
            codec.gop_size = self._key_frames
        codec.time_base = Fraction(1, TICKS)
        codec.sample_aspect_ratio = self._aspect.limit_denominator(MOST_DENOMINATOR)

    def write(self, frame: np.ndarray, time: float | None = None) -> None:
        """Add a frame.

        Args:
            frame: (H, W, 3) uint8 RGB.
            time: Seconds, later than the frame before. None means 1 / rate after the frame before,
                or 0 for the first frame. A gap longer than an hour is shortened to an hour.

        Raises:
            InputError: The frame cannot be written, for example because the disk is full.
        """
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            raise ValueError(f"a frame of {frame.dtype} {frame.shape} in {self.path}")
        time = self._time if time is None else time
        if time <= self._last:
            raise ValueError(f"a frame at {time} s after one at {self._last} s")
        pts = round(time * TICKS) - self._left_out
        if self._pts is not None:
            longest = self._pts + LONGEST * TICKS
            self._left_out += max(0, pts - longest)
            pts = max(self._pts + 1, min(pts, longest))
        self._pts, self._last, self._time = pts, time, time + 1 / self.rate
        if self.height % 2 or self.width % 2:
            frame = np.pad(frame, ((0, self.height % 2), (0, self.width % 2), (0, 0)), "edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = pts, Fraction(1, TICKS)
        picture.duration = round(TICKS / encoder_rate(self.rate))
        with writable(self.path):
            self._container.mux(self._stream.encode(picture))

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        """Flush the encoder, unless the block failed."""
        if kind is not None:
            return
        if self._pts is None:
            raise ValueError(f"{self.path}: no frame was written")
        self._container.mux(self._stream.encode(None))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with writable(self.path):
            self._exit.__exit__(kind, error, trace)
