"""Where frames come from, one after the other, each with its time."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ava_det.detect.protocols import Frame
from ava_det.structures import InputError
from ava_det.video.video import Video


class Source(Protocol):
    """Frames of one size, in the order of their times.

    Attributes:
        name: of the video, in results.
        height: of the frames in pixels.
        width: of the frames in pixels.
    """

    name: str
    height: int
    width: int

    def frames(self) -> Iterator[tuple[float, Frame | None]]:
        """Seconds from the first frame, which increase, and the frame; None if it is lost."""
        ...


class VideoSource:
    """An open video file, read from its first frame to its last one.

    Args:
        video: the file.
        progress: called after every frame that is read.

    Attributes:
        damage: why frames of the last reading are lost; None if none is.
    """

    def __init__(self, video: Video, progress: Callable[[], object] = lambda: None):
        self.video, self.progress = video, progress
        self.name, self.height, self.width = video.path.stem, video.height, video.width
        self.damage: InputError | None = None

    def frames(self) -> Iterator[tuple[float, Frame | None]]:
        """As `Source.frames`; a frame that cannot be decoded is lost, and `damage` tells why."""
        coming = iter(self.video.frame_times.tolist())
        try:
            for time, picture in self.video.stream():
                for missing in iter(coming.__next__, time):
                    yield missing, None
                self.progress()
                yield time, picture
        except InputError as error:
            self.damage = error
        yield from ((missing, None) for missing in coming)

    def facts(self) -> dict[str, Any]:
        """What results say of the video; the size is that of what a player shows."""
        video = self.video
        width, height = video.displayed
        return {
            "file": str(video.path),
            "height": height,
            "width": width,
            "frames": len(video),
            "rate": round(video.rate, 3),
            "seconds": round(float(video.frame_times[-1]) + video.index.step, 3),
        }
