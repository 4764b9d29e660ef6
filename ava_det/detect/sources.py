"""Sources of frames with their times."""

from collections.abc import Callable, Iterator
from itertools import tee
from typing import Any, Protocol

from ava_det.detect.protocols import Frame
from ava_det.structures import InputError
from ava_det.video.video import Video


class Source(Protocol):
    """A source of frames of one size, in the order of time, such as a file or a camera.

    A class of your own needs these attributes and this method only. For frames in memory:

    >>> class Pictures:
    ...     name, height, width = "pictures", 48, 64
    ...
    ...     def frames(self):
    ...         for k in range(30):
    ...             yield k / 25, np.zeros((48, 64, 3), np.uint8)

    Attributes:
        name: The name of the video in results.
        height: The height of the frames in pixels.
        width: The width of the frames in pixels.
    """

    name: str
    height: int
    width: int

    def frames(self) -> Iterator[tuple[float, Frame | None]]:
        """Yield (seconds from the first frame, frame); the frame is None if it is lost."""
        ...


class VideoSource:
    """A source that reads an open video file from the first frame to the last.

    Args:
        video: The open file.
        progress: This function is called after every frame.

    Attributes:
        damage: The error that explains the lost frames of the last pass; None without lost frames.
    """

    def __init__(self, video: Video, progress: Callable[[], object] = lambda: None):
        self.video, self.progress = video, progress
        self.name, self.height, self.width = video.path.stem, video.height, video.width
        self.damage: InputError | None = None

    def frames(self) -> Iterator[tuple[float, Frame | None]]:
        """See `Source.frames`. An undecodable frame is lost; `damage` holds the reason."""
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
        """Return the facts about the video for results, with the size that a player shows."""
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


class SharedSource:
    """A source that reads another source once, for one or two readers.

    Frames stay in memory until both readers have had them.

    Args:
        source: The other source.
        readers: How often `frames` may be called.
        progress: This function is called after every frame.
    """

    def __init__(self, source: Source, readers: int, progress: Callable[[], object]):
        self.name, self.height, self.width = source.name, source.height, source.width
        self._readers = list(tee(_counted(source, progress), readers))

    def frames(self) -> Iterator[tuple[float, Frame | None]]:
        """See `Source.frames`."""
        return self._readers.pop()

    def facts(self) -> dict[str, Any]:
        """Return the facts about the source for results."""
        return {"name": self.name, "height": self.height, "width": self.width}


def _counted(
    source: Source, progress: Callable[[], object]
) -> Iterator[tuple[float, Frame | None]]:
    for pair in source.frames():
        progress()
        yield pair
