"""Parts of videos as files of their own, at a constant rate, and what is wrong with such files."""

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

MOST_REPEATS = 3600  # of a frame of the source, as a rule: two minutes at 30 a second
SLACK = 1.0  # seconds that may be missing at the end of a cut
QUALITY = "18"  # x264's crf: hardly to be told from the source


@dataclass(frozen=True)
class Cut:
    """What of a video is kept.

    Attributes:
        start: seconds from its first frame.
        seconds: how long.
        rate: frames a second, each of which is the nearest one of the source; None keeps the
            source's own frames at their own times.
        short_side: pixels; None keeps the size.
    """

    start: float = 900.0
    seconds: float = 901.0
    rate: float | None = 30.0
    short_side: int | None = None

    def frames(self, frame_times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The frames (T,) of a source with frames at `frame_times`, and their times in the cut.

        The source's frames may be fewer or repeated; nothing comes after its end.

        Raises:
            ValueError: each frame would be repeated for minutes.
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
    """Write a part of a video, as H.264 with a key frame a second, so that seeking is cheap.

    Sound is left out. The target appears when it is whole, and not at all otherwise.

    Returns:
        Seconds that were written; fewer than asked for where the source is shorter.

    Raises:
        InputError: the source cannot be read, is damaged or has nothing of that part.
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
    """Each frame once, with the times that it is shown at."""
    wanted, first = np.unique(frames, return_index=True)
    shown = dict(zip(wanted.tolist(), np.split(times, first[1:]), strict=True))
    for frame, picture in video.pictures(wanted):
        yield _upright(video, picture), shown[frame]


def _upright(video: Video, picture: av.VideoFrame) -> av.VideoFrame:
    """A frame as it is to be seen, of even sides, in the encoder's pixel format."""
    height, width = (side + side % 2 for side in (video.height, video.width))
    orientation = video.index.orientation
    with named(video.path):
        if orientation != UPRIGHT:
            pixels = orientation.apply(picture.to_ndarray(format="rgb24"))
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        return picture.reformat(width, height, "yuv420p", interpolation="BICUBIC")


class _Encoder:
    """Frames into a container."""

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
        codec.thread_count = 1  # the videos are what is done in parallel
        codec.time_base = Fraction(1, TICKS)
        self._coloured = False

    def write(self, picture: av.VideoFrame, time: float) -> None:
        """Add a frame at a time in seconds."""
        codec = self._stream.codec_context
        if not self._coloured:  # colours mean what they meant in the source
            codec.colorspace, codec.color_range = picture.colorspace, picture.color_range
            self._coloured = True
        picture.pts, picture.time_base = round(time * TICKS), Fraction(1, TICKS)
        picture.duration = self._duration
        picture.pict_type = av.video.frame.PictureType.NONE  # not the source's
        self._output.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._output.mux(self._stream.encode(None))


def cut_into(folder: Path, cut: Cut, source: Path) -> str:
    """Cut one video; what is wrong with it, if anything."""
    try:
        return ends_early(cut, cut_video(source, folder / f"{source.stem}.mp4", cut))
    except OSError as error:
        return f"{error.filename or source}: {error.strerror or error}"
    except InputError as error:
        return str(error)


def look_at(cut: Cut, path: Path) -> str:
    """What is wrong with a video that was cut before, if anything; only its header is read."""
    try:
        return ends_early(cut, require_whole(path, header_facts(path)).seconds)
    except InputError as error:
        return str(error)


def look_at_whole(cut: Cut, path: Path) -> str:
    """What is wrong with a film that the cut is left in, if anything; only its header is read."""
    try:
        seconds = require_whole(path, header_facts(path)).seconds
    except InputError as error:
        return str(error)
    end = cut.start + cut.seconds
    return f"{seconds:.1f} s long, ends before second {end:g}" if end - seconds > SLACK else ""


def ends_early(cut: Cut, seconds: float) -> str:
    """What is wrong with a cut that is so many seconds long, if anything."""
    missing = cut.seconds - seconds
    return (
        f"ends {missing:.1f} s before the cut does; was cut all the same" if missing > SLACK else ""
    )
