"""Cuts keyframes and their clips from frames that arrive one by one, from a file or a camera.

The code needs no knowledge of later frames. All clips are equal to those that `video.sampling`
chooses with the times of the whole video:

- Keyframes are the frames nearest to 0, 1 / rate, 2 / rate .. seconds. The next frame decides
  whether a frame is the nearest one. The picture of a keyframe is given then, the clip later.
- A clip is complete with the first frame at or after its last sampling time.
- A clip that starts before the first frame repeats the first frame. A clip that ends after the last
  frame repeats the last frame; `ClipBuffer.close` marks the end.
- The nearest decodable frame within the clip's span replaces a lost frame. A lost keyframe has no
  clip.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ava_det.detect.protocols import Frame
from ava_det.resize import resize_short_side
from ava_det.structures import ClipShape
from ava_det.video.sampling import clip_reach, clip_times, nearest_frames


class KeyframePicture(NamedTuple):
    """A keyframe at full size.

    Attributes:
        frame: The 0-based number of the frame; lost frames count.
        time: Seconds from the first frame.
        picture: (H, W, 3) uint8 RGB.
    """

    frame: int
    time: float
    picture: Frame


class KeyframeClip(NamedTuple):
    """The clip of a keyframe, which comes after the picture of the keyframe.

    Attributes:
        frame: The number of the keyframe, as in `KeyframePicture`.
        times: (T,) seconds of the frames of the clip.
        clip: (T, h, w, 3) uint8 RGB, resized to `ClipShape.short_side`.
    """

    frame: int
    times: np.ndarray
    clip: np.ndarray


class _Kept(NamedTuple):
    """A frame that clips may still need, at the size of the clips; None if the frame is lost."""

    time: float
    picture: Frame | None


class _Keyframe(NamedTuple):
    """A keyframe whose clip is not complete."""

    frame: int
    time: float


class ClipBuffer:
    """Takes frames and gives the pictures of keyframes, and the clips of keyframes.

    The buffer keeps the resized frames of one clip span, and the newest frame at full size. Memory
    does not grow with the video.

    Args:
        shape: The shape of the clips.
        rate: Keyframes per second. Every frame of a slower video is a keyframe.

    >>> buffer = ClipBuffer(ClipShape(frames=2, stride=1, rate=None, short_side=8), rate=5.0)
    >>> for number in range(4):
    ...     for found in buffer.push(number / 10, np.full((8, 8, 3), number, np.uint8)):
    ...         clip = isinstance(found, KeyframeClip)
    ...         print(number, found.frame, found.clip[:, 0, 0, 0] if clip else "is a keyframe")
    1 0 is a keyframe
    1 0 [0 0]
    3 2 is a keyframe
    3 2 [1 2]
    >>> buffer.close()
    []
    """

    def __init__(self, shape: ClipShape, rate: float):
        self.shape, self.rate = shape, rate
        self._back, self._ahead = clip_reach(shape.frames, shape.stride)
        self._kept: deque[_Kept] = deque()
        self._first = 0  # the number of the first frame that is kept
        self._newest: Frame | None = None  # at full size
        self._beat = -1  # the last beat that has a nearest frame
        self._waiting: deque[_Keyframe] = deque()

    def __len__(self) -> int:
        """Return how many frames the buffer keeps."""
        return len(self._kept)

    def push(self, time: float, picture: Frame | None) -> list[KeyframePicture | KeyframeClip]:
        """Add the next frame and return the keyframe that this decides, then the complete clips.

        Args:
            time: Seconds from the first frame, which is at 0. Times must increase.
            picture: (H, W, 3) uint8 RGB; None if the frame is lost.
        """
        found: list[KeyframePicture | KeyframeClip] = []
        if self._kept:
            last = self._kept[-1].time
            if time <= last:
                raise ValueError(f"a frame at {time} s after one at {last} s")
            found += self._choose(last_beat((last + time) / 2, self.rate))
        small = None if picture is None else resize_short_side(picture, self.shape.short_side)
        self._kept.append(_Kept(time, small))
        self._newest = picture
        while self._waiting and self._is_complete(self._waiting[0]):
            found.append(self._clip(self._waiting.popleft()))
        self._forget()
        return found

    def close(self) -> list[KeyframePicture | KeyframeClip]:
        """End the video and return the last keyframe, if it is new, and the remaining clips."""
        found: list[KeyframePicture | KeyframeClip] = []
        if self._kept:
            found += self._choose(math.floor(self._kept[-1].time * self.rate + 1e-6))
        found += [self._clip(keyframe) for keyframe in self._waiting]
        self._waiting.clear()
        return found

    def _choose(self, beat: int) -> list[KeyframePicture]:
        """Make the newest frame a keyframe if it is nearest to a new beat up to `beat`."""
        chosen = []
        if beat > self._beat and self._newest is not None:
            keyframe = _Keyframe(self._first + len(self._kept) - 1, self._kept[-1].time)
            self._waiting.append(keyframe)
            chosen.append(KeyframePicture(*keyframe, self._newest))
        self._beat = max(beat, self._beat)
        return chosen

    def _is_complete(self, keyframe: _Keyframe) -> bool:
        if self.shape.rate is None:
            return self._first + len(self._kept) - 1 >= keyframe.frame + self._ahead
        return self._kept[-1].time >= keyframe.time + self._ahead / self.shape.rate

    def _forget(self) -> None:
        """Drop the frames before all later clips. The newest frame may still be a keyframe."""
        kept = self._kept
        time, number = kept[-1].time, self._first + len(kept) - 1
        if self._waiting:
            time, number = self._waiting[0].time, self._waiting[0].frame
        while len(kept) > 1 and (
            self._first < number - self._back
            if self.shape.rate is None
            else (kept[0].time + kept[1].time) / 2 < time - self._back / self.shape.rate
        ):
            kept.popleft()
            self._first += 1

    def _clip(self, keyframe: _Keyframe) -> KeyframeClip:
        shape, kept = self.shape, list(self._kept)
        times = np.array([frame.time for frame in kept])
        wanted = nearest_frames(
            times, clip_times(times, keyframe.time, shape.frames, shape.stride, shape.rate)
        )
        span = range(wanted[0], wanted[-1] + 1)
        there = np.array([place for place in span if kept[place].picture is not None])
        nearest = there[np.abs(wanted[:, None] - there).argmin(axis=1)]
        clip = np.stack([kept[place].picture for place in nearest.tolist()])
        return KeyframeClip(keyframe.frame, times[nearest], clip)


def stream_keyframes(
    frames: Iterable[tuple[float, Frame | None]], shape: ClipShape, rate: float
) -> Iterator[KeyframePicture | KeyframeClip]:
    """Yield the picture of each keyframe of a source, and the clip as soon as it is complete.

    Args:
        frames: The frames from `Source.frames`.
        shape: See `ClipBuffer`.
        rate: See `ClipBuffer`.
    """
    buffer = ClipBuffer(shape, rate)
    for time, picture in frames:
        yield from buffer.push(time, picture)
    yield from buffer.close()


def last_beat(time: float, rate: float) -> int:
    """Return the number of the last beat up to `time`; beats are at 0, 1 / rate, 2 / rate .. s.

    >>> last_beat(0.6, rate=5.0), last_beat(0.599, rate=5.0)
    (3, 2)
    """
    beat = math.floor(time * rate)
    beat += (beat + 1) / rate <= time
    return beat - (beat / rate > time)
