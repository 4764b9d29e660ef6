"""Cut parts of videos into new files with a constant frame rate, and check such files."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ava_det.formats.atomic import atomic_path
from ava_det.structures import InputError
from ava_det.video.facts import header_facts, require_whole
from ava_det.video.opening import named
from ava_det.video.orientation import UPRIGHT
from ava_det.video.sampling import nearest_frames
from ava_det.video.video import Video
from ava_det.video.writer import MOST_DENOMINATOR, TICKS, encoder_rate, writable

MOST_REPEATS = 3600  # of one source frame, on average: two minutes at 30 frames a second
SLACK = 1.0  # seconds that may be missing at the end of a cut
QUALITY = "18"  # x264's crf: looks almost like the source


@dataclass(frozen=True)
class Cut:
    """The part of a video to keep, and the frame rate and size of the new file.

    Attributes:
        start: The start of the cut, in seconds from the first frame.
        seconds: The length of the cut.
        rate: The frame rate of the cut. Each frame is the nearest frame of the source. None keeps
            the frames of the source and their times.
        short_side: The short side in pixels; None keeps the size.
    """

    start: float = 900.0
    seconds: float = 901.0
    rate: float | None = 30.0
    short_side: int | None = None

    def frames(self, frame_times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Select frames (T,) of a source with frames at `frame_times`; return their times as well.

        Frames of the source may be skipped or repeated. The cut ends at the end of the source.

        Raises:
            ValueError: The source has so few frames that each would be repeated for minutes.
        """
        if self.rate is None:
            inside = (frame_times >= self.start) & (frame_times < self.start + self.seconds)
            chosen = np.flatnonzero(inside)
            return chosen, frame_times[chosen] - frame_times[chosen[:1]].sum()
        end = frame_times[-1] + 0.5 / self.rate
        seconds = min(self.seconds, max(0.0, end - self.start) + 1 / self.rate)
        count = round(seconds * self.rate)
        inside = (frame_times >= self.start) & (frame_times < self.start + seconds)
        if count > MOST_REPEATS * (inside.sum() + 1):
            raise ValueError(
                f"has {inside.sum()} frames in {seconds:g} s, too few for {self.rate:g} a second"
            )
        times = np.arange(count) / self.rate
        times = times[self.start + times <= end]
        return nearest_frames(frame_times, self.start + times), times


def cut_video(source: Path, target: Path, cut: Cut) -> float:
    """Write a part of a video as H.264, without sound.

    The file has a key frame every second, so that seeking is fast. If anything fails, no target
    file appears.

    Returns:
        The number of seconds written, which is smaller than `cut.seconds` if the source ends early.

    Raises:
        InputError: The source cannot be read, is damaged, or has no frame in this part.
    """
    with Video(source, cut.short_side) as video:
        try:
            frames, times = cut.frames(video.frame_times)
        except ValueError as error:
            raise InputError(f"{source}: {error}") from None
        if not len(frames):
            length = float(video.frame_times[-1])
            raise InputError(f"{source}: {length:.1f} s long, nothing after second {cut.start:g}")
        rate = cut.rate or video.rate
        with writable(target), ExitStack() as stack:
            partial = stack.enter_context(atomic_path(target))
            options = {"movflags": "+faststart"}
            output = stack.enter_context(
                av.open(f"file:{partial}", "w", format="mp4", options=options)
            )
            encoder = _Encoder(output, video.height, video.width, rate, video.index.aspect)
            written = 0
            for picture, stamps in _by_picture(video, frames, times):
                for stamp in stamps:
                    encoder.write(picture, stamp)
                    written += 1
            encoder.finish()
            if written < len(frames):
                raise InputError(
                    f"{source}: only {written} of {len(frames)} frames can be decoded: "
                    "the file is damaged or cut short"
                )
    return float(times[-1]) + 1 / rate


def _by_picture(
    video: Video, frames: np.ndarray, times: np.ndarray
) -> Iterator[tuple[av.VideoFrame, np.ndarray]]:
    """Yield each frame once, with the times at which the cut shows it."""
    wanted, first = np.unique(frames, return_index=True)
    shown = dict(zip(wanted.tolist(), np.split(times, first[1:]), strict=True))
    for frame, picture in video.pictures(wanted):
        yield _upright(video, picture), shown[frame]


def _upright(video: Video, picture: av.VideoFrame) -> av.VideoFrame:
    """Convert a frame to upright orientation, even sides and the encoder's pixel format."""
    height, width = (side + side % 2 for side in (video.height, video.width))
    orientation = video.index.orientation
    with named(video.path):
        if orientation != UPRIGHT:
            pixels = orientation.apply(picture.to_ndarray(format="rgb24"))
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        return picture.reformat(width, height, "yuv420p", interpolation="BICUBIC")


class _Encoder:
    """An H.264 encoder that writes frames into a container."""

    def __init__(
        self,
        output: av.container.OutputContainer,
        height: int,
        width: int,
        rate: float,
        aspect: Fraction,
    ) -> None:
        exact = encoder_rate(rate)
        options = {"preset": "veryfast", "crf": QUALITY, "g": str(max(1, round(rate)))}
        self._output, self._duration = output, round(TICKS / exact)
        self._stream = output.add_stream("libx264", rate=exact, options=options)
        codec = self._stream.codec_context
        codec.height, codec.width = height + height % 2, width + width % 2
        codec.pix_fmt = "yuv420p"
        codec.sample_aspect_ratio = aspect.limit_denominator(MOST_DENOMINATOR)
        codec.thread_count = 1  # videos run in parallel, not frames
        codec.time_base = Fraction(1, TICKS)
        self._coloured = False

    def write(self, picture: av.VideoFrame, time: float) -> None:
        """Add a frame at a time in seconds."""
        codec = self._stream.codec_context
        if not self._coloured:  # keep the colour space of the source
            codec.colorspace, codec.color_range = picture.colorspace, picture.color_range
            self._coloured = True
        picture.pts, picture.time_base = round(time * TICKS), Fraction(1, TICKS)
        picture.duration = self._duration
        picture.pict_type = av.video.frame.PictureType.NONE  # not that of the source
        self._output.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._output.mux(self._stream.encode(None))


def cut_into(folder: Path, cut: Cut, source: Path) -> str:
    """Cut one video; return the problem, or "" if there is none."""
    try:
        return ends_early(cut, cut_video(source, folder / f"{source.stem}.mp4", cut))
    except OSError as error:
        return f"{error.filename or source}: {error.strerror or error}"
    except InputError as error:
        return str(error)


def look_at(cut: Cut, path: Path) -> str:
    """Return the problem of an existing cut video, or ""; read only the header."""
    try:
        return ends_early(cut, require_whole(path, header_facts(path)).seconds)
    except InputError as error:
        return str(error)


def look_at_whole(cut: Cut, path: Path) -> str:
    """Return the problem of a whole video that replaces a cut, or ""; read only the header."""
    try:
        seconds = require_whole(path, header_facts(path)).seconds
    except InputError as error:
        return str(error)
    end = cut.start + cut.seconds
    return f"{seconds:.1f} s long, ends before second {end:g}" if end - seconds > SLACK else ""


def ends_early(cut: Cut, seconds: float) -> str:
    """Return the problem of a cut that has the length `seconds`, or ""."""
    missing = cut.seconds - seconds
    return (
        f"ends {missing:.1f} s before the cut does; was cut all the same" if missing > SLACK else ""
    )
