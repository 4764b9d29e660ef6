"""H.264 files, written with PyAV."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from ava_det.formats.atomic import atomic_path
from ava_det.structures import InputError

TICKS = 90_000  # a second; fine enough for any frame rate in use
BT601 = 6  # FFmpeg's number of the colour matrix that its RGB conversion uses; players guess else


class VideoWriter:
    """Writes RGB frames into an MP4 that any browser plays while it loads. A context manager.

    The file appears when the block ends without an error, and not at all otherwise.

    >>> with VideoWriter(path, height=240, width=320, rate=25) as writer:  # doctest: +SKIP
    ...     writer.write(frame)
    """

    def __init__(
        self,
        path: str | Path,
        height: int,
        width: int,
        rate: float,
        threads: int = 0,
        key_frames: int | None = None,
    ) -> None:
        """Set up a file to write.

        Args:
            path: where to.
            height: of the frames; the file of an odd one has one row more, a copy of the last.
            width: of the frames; likewise.
            rate: frames a second, where frames come without a time.
            threads: of the encoder; 0 takes all cores.
            key_frames: at least one in so many frames is a place to start decoding at; None leaves
                it to the encoder, which has one in 250.
        """
        self.path = Path(path)
        self.height, self.width, self.rate = height, width, rate
        self._threads, self._key_frames = threads, key_frames
        self._exit = ExitStack()
        self._container: OutputContainer
        self._stream: VideoStream
        self._pts: int | None = None
        self._time = 0.0

    def __enter__(self) -> "VideoWriter":
        try:
            partial = self._exit.enter_context(atomic_path(self.path))
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from error
        options = {"movflags": "+faststart"}
        self._container = av.open(f"file:{partial}", "w", format="mp4", options=options)
        self._exit.enter_context(self._container)
        self._exit.push(self._finish)
        rate = Fraction(self.rate).limit_denominator(1001)
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
        return self

    def write(self, frame: np.ndarray, time: float | None = None) -> None:
        """Add a frame.

        Args:
            frame: (H, W, 3) uint8 RGB.
            time: seconds, later than the frame before; None is 1 / rate after it (0 at first).
        """
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            raise ValueError(f"a frame of {frame.dtype} {frame.shape} in {self.path}")
        time = self._time if time is None else time
        pts = round(time * TICKS)
        if self._pts is not None and pts <= self._pts:
            raise ValueError(f"a frame at {time} s after one at {self._pts / TICKS} s")
        self._pts, self._time = pts, time + 1 / self.rate
        if self.height % 2 or self.width % 2:
            frame = np.pad(frame, ((0, self.height % 2), (0, self.width % 2), (0, 0)), "edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = pts, Fraction(1, TICKS)
        picture.duration = round(TICKS / self.rate)
        self._container.mux(self._stream.encode(picture))

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what the encoder still holds, unless the block failed."""
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
        self._exit.__exit__(kind, error, trace)
