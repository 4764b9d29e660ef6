"""Keyframes and their clips out of frames that come one by one, as a file or a camera gives them.

Nothing need be known of the frames to come, and all clips are those that `video.sampling` chooses
with the times of the whole video at hand:

- Keyframes are the frames nearest to 0, 1 / rate, 2 / rate .. seconds. Whether a frame is the
  nearest one is known when the next frame comes.
- A clip is complete with the first frame at or after the last of its times.
- At the start, where a clip reaches back beyond the first frame, it repeats that frame. At the end,
  which `ClipBuffer.close` tells, clips that reach beyond the last frame repeat that one.
- In the place of a lost frame stands the nearest frame within the clip's span that is not lost. A
  keyframe that is lost has no clip.
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


class Moment(NamedTuple):
    """A keyframe with its clip.

    Attributes:
        frame: 0-based number of the frame, lost ones counted.
        time: seconds from the first frame.
        picture: (H, W, 3) uint8 RGB.
        clip: (T, h, w, 3) uint8 RGB, resized to the short side of the clip's shape.
    """

    frame: int
    time: float
    picture: Frame
    clip: np.ndarray


class _Kept(NamedTuple):
    """A frame that clips may still need, at their size; None if it is lost."""

    time: float
    picture: Frame | None


class _Keyframe(NamedTuple):
    """A keyframe whose clip is not complete."""

    frame: int
    time: float
    picture: Frame


class ClipBuffer:
    """Takes frames and gives keyframes with their clips.

    It keeps the frames of a clip's span, resized, and those keyframes as they came that lie in the
    second half of the span; nothing grows with the video.

    Args:
        shape: of the clips.
        rate: keyframes a second; where frames come less often, each is a keyframe.

    >>> buffer = ClipBuffer(ClipShape(frames=2, stride=1, rate=None, short_side=8), rate=5.0)
    >>> for number in range(4):
    ...     for moment in buffer.push(number / 10, np.full((8, 8, 3), number, np.uint8)):
    ...         print(moment.frame, moment.clip[:, 0, 0, 0])
    0 [0 0]
    2 [1 2]
    >>> buffer.close()
    []
    """

    def __init__(self, shape: ClipShape, rate: float):
        self.shape, self.rate = shape, rate
        self._back, self._ahead = clip_reach(shape.frames, shape.stride)
        self._kept: deque[_Kept] = deque()
        self._first = 0  # the number of the first frame that is kept
        self._newest: Frame | None = None  # as it came
        self._beat = -1  # the last one that a frame is nearest to
        self._waiting: deque[_Keyframe] = deque()

    def __len__(self) -> int:
        """How many frames are kept."""
        return len(self._kept)

    def push(self, time: float, picture: Frame | None) -> list[Moment]:
        """Take the next frame and give the keyframes whose clips it completes, in order.

        Args:
            time: seconds from the first frame, which is at 0; later than the frame before.
            picture: (H, W, 3) uint8 RGB; None if it is lost.
        """
        if self._kept:
            last = self._kept[-1].time
            if time <= last:
                raise ValueError(f"a frame at {time} s after one at {last} s")
            self._choose(last_beat((last + time) / 2, self.rate))
        small = None if picture is None else resize_short_side(picture, self.shape.short_side)
        self._kept.append(_Kept(time, small))
        self._newest = picture
        moments = []
        while self._waiting and self._is_complete(self._waiting[0]):
            moments.append(self._moment(self._waiting.popleft()))
        self._forget()
        return moments

    def close(self) -> list[Moment]:
        """Say that no frame follows and get the keyframes that are left."""
        if self._kept:
            self._choose(math.floor(self._kept[-1].time * self.rate + 1e-6))
        moments = [self._moment(keyframe) for keyframe in self._waiting]
        self._waiting.clear()
        return moments

    def _choose(self, beat: int) -> None:
        """Make the newest frame a keyframe if it is nearest to beats not yet met, up to `beat`."""
        if beat > self._beat and self._newest is not None:
            number = self._first + len(self._kept) - 1
            self._waiting.append(_Keyframe(number, self._kept[-1].time, self._newest))
        self._beat = max(beat, self._beat)

    def _is_complete(self, keyframe: _Keyframe) -> bool:
        if self.shape.rate is None:
            return self._first + len(self._kept) - 1 >= keyframe.frame + self._ahead
        return self._kept[-1].time >= keyframe.time + self._ahead / self.shape.rate

    def _forget(self) -> None:
        """Drop the frames before all clips to come: the newest frame may be a keyframe."""
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

    def _moment(self, keyframe: _Keyframe) -> Moment:
        shape, kept = self.shape, list(self._kept)
        times = np.array([frame.time for frame in kept])
        wanted = nearest_frames(
            times, clip_times(times, keyframe.time, shape.frames, shape.stride, shape.rate)
        )
        span = range(wanted[0], wanted[-1] + 1)
        there = np.array([place for place in span if kept[place].picture is not None])
        nearest = there[np.abs(wanted[:, None] - there).argmin(axis=1)]
        clip = np.stack([kept[place].picture for place in nearest.tolist()])
        return Moment(*keyframe, clip)


def stream_moments(
    frames: Iterable[tuple[float, Frame | None]], shape: ClipShape, rate: float
) -> Iterator[Moment]:
    """The keyframes of a source with their clips, each as soon as its clip is complete.

    Args:
        frames: as `Source.frames` gives them.
        shape: as in `ClipBuffer`.
        rate: likewise.
    """
    buffer = ClipBuffer(shape, rate)
    for time, picture in frames:
        yield from buffer.push(time, picture)
    yield from buffer.close()


def last_beat(time: float, rate: float) -> int:
    """The number of the last of the beats at 0, 1 / rate, 2 / rate .. seconds up to a time.

    >>> last_beat(0.6, rate=5.0), last_beat(0.599, rate=5.0)
    (3, 2)
    """
    beat = math.floor(time * rate)
    beat += (beat + 1) / rate <= time
    return beat - (beat / rate > time)
