"""From a record to a sample: decode the clip's frames, transform them, encode the labels.

A mapper of training is called with a record and the generator of the draw, one of testing with an
item of `items`. A sample is a batch of its own (`ava_det.batch`), and `collate` joins several.

Shapes: C channels, T frames, H W pixels, R people, K classes. The augmentation is a callable on
(video (T, C, H, W) uint8, boxes (R, 4) in pixels), given by a config.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ava_det.batch import Batch, ClipBatch, PeopleBatch
from ava_det.boxes import to_pixels
from ava_det.formats.class_map import ClassMap
from ava_det.structures import (
    AnnotatedKeyframe,
    Clock,
    InputError,
    LabelledVideo,
    UnreadableVideo,
)
from ava_det.video.sampling import (
    clip_times,
    random_clip_start,
    segment_times,
    uniform_window_starts,
    window_times,
)
from ava_det.video.video import FrameReader

Transform = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Sample = TypeVar("Sample", bound=Batch)


class TrainMapper(Protocol[Sample]):
    """What a loader of training asks of a mapper.

    Attributes:
        repeats: clips that a sample has.
    """

    repeats: int

    def __call__(self, record: Any, rng: np.random.Generator) -> Sample:
        """The sample of a record, with everything random drawn from `rng` and torch."""
        ...

    def collate(self, samples: Sequence[Sample], unreadable: Sequence[UnreadableVideo]) -> Sample:
        """Samples as one batch."""
        ...


class TestMapper(Protocol[Sample]):
    """What a loader of testing asks of a mapper."""

    def items(self, records: Sequence[Any]) -> Sequence[Any]:
        """What the mapper is called with, in order: the records, or several clips of each."""
        ...

    def __call__(self, item: Any) -> Sample:
        """The sample of an item."""
        ...

    def collate(self, samples: Sequence[Sample], unreadable: Sequence[UnreadableVideo]) -> Sample:
        """Samples as one batch."""
        ...


class ClipTrainMapper:
    """Clips that are drawn from a labelled video.

    Args:
        reader: decodes frames.
        transform: geometry and colour; must give all clips one size.
        frames: T.
        stride: frames from one of the clip to the next.
        rate: frames a second that stride and window count in; None counts the file's own.
        window: consecutive frames that a clip is drawn from (VideoMix: 64); no fewer than the
            clip's own.
        segments: one frame from each of T equal parts of the video instead, as is usual for
            Something-Something; stride, rate and window do not count then.
        repeats: clips that a drawn video gives: the same frames, decoded once, each time augmented
            anew (Hoffer et al., arXiv 1901.09335; PySlowFast's `AUG.NUM_SAMPLE`).
    """

    def __init__(
        self,
        reader: FrameReader,
        transform: Transform,
        frames: int,
        stride: int,
        rate: float | None = None,
        window: int | None = None,
        segments: bool = False,
        repeats: int = 1,
    ):
        if repeats < 1:
            raise InputError(f"mapper.repeats={repeats}: a video gives one clip at least")
        self.reader, self.transform = reader, transform
        self.frames, self.stride, self.rate = frames, stride, rate
        self.window = max(window or 0, frames * stride)
        self.segments, self.repeats = segments, repeats

    def __call__(self, record: LabelledVideo, rng: np.random.Generator) -> ClipBatch:
        """The `repeats` clips of a video, whose frames are drawn from `rng`."""
        frame_times = self.reader.times(record.path)
        if self.segments:
            times = segment_times(frame_times, self.frames, rng)
        else:
            span = self.frames * self.stride
            start = random_clip_start(frame_times, span, self.window, rng, self.rate)
            times = window_times(frame_times, start, self.frames, self.stride, self.rate)
        video, nobody = as_video(self.reader.frames(record.path, times)), torch.zeros(0, 4)
        views = [self.transform(video, nobody)[0] for _ in range(self.repeats)]
        return _views(torch.stack(views), record)

    collate = staticmethod(ClipBatch.join)


@dataclass(frozen=True)
class VideoClip:
    """One of the clips that a labelled video is tested by.

    Attributes:
        record: the video.
        number: of the clip, from 0.
    """

    record: LabelledVideo
    number: int

    @property
    def video(self) -> str:
        """The name of the video."""
        return self.record.video

    @property
    def path(self) -> str:
        """The file."""
        return self.record.path


class ClipTestMapper:
    """Clips that a labelled video is tested by, each of one view or of several crops.

    Args:
        reader: decodes frames.
        transform: geometry and colour; must give all clips one size, unless `crops` does.
        frames: T.
        stride: frames from one of the clip to the next.
        rate: frames a second that the stride counts in; None counts the file's own.
        segments: one frame from each of T equal parts of the video instead; stride and rate do not
            count then.
        clips: of a video, spread evenly from its first frame to its last; one is in the middle.
        crops: of a clip: so many squares, see `square_crops`; None leaves clips as `transform`
            gives them.
    """

    def __init__(
        self,
        reader: FrameReader,
        transform: Transform,
        frames: int,
        stride: int,
        rate: float | None = None,
        segments: bool = False,
        clips: int = 1,
        crops: int | None = None,
    ):
        if clips < 1 or (segments and clips != 1):
            raise ValueError(f"{clips} clips of a video" + " of segments" * segments)
        if crops is not None and crops < 1:
            raise ValueError(f"{crops} crops of a clip")
        self.reader, self.transform = reader, transform
        self.frames, self.stride, self.rate = frames, stride, rate
        self.segments, self.clips, self.crops = segments, clips, crops

    def items(self, records: Sequence[LabelledVideo]) -> Sequence[VideoClip]:
        """The clips of all videos."""
        return [VideoClip(record, k) for record in records for k in range(self.clips)]

    def __call__(self, item: VideoClip) -> ClipBatch:
        """The views of one clip of a video."""
        record = item.record
        frame_times = self.reader.times(record.path)
        if self.segments:
            times = segment_times(frame_times, self.frames)
        else:
            span = self.frames * self.stride
            starts = uniform_window_starts(frame_times, span, self.clips, self.rate)
            start = starts[item.number]
            times = window_times(frame_times, start, self.frames, self.stride, self.rate)
        video = as_video(self.reader.frames(record.path, times))
        clip, _ = self.transform(video, torch.zeros(0, 4))
        return _views(square_crops(clip, self.crops) if self.crops else clip[None], record)

    collate = staticmethod(ClipBatch.join)


def _views(views: Tensor, record: LabelledVideo) -> ClipBatch:
    """Views (V, T, C, H, W) of one video as a batch."""
    labels = torch.full((len(views),), record.label)
    return ClipBatch(views.transpose(1, 2), labels, [record.video] * len(views))


def square_crops(video: Tensor, count: int) -> Tensor:
    """Squares of the short side, evenly from left to right or from top to bottom.

    Three are in the places of PySlowFast's `uniform_crop`: a square starts at its share of what is
    left over, rounded up.

    Args:
        video: (T, C, H, W).
        count: how many; 1 is the one in the middle.

    Returns:
        (count, T, C, S, S), S the shorter of H and W.
    """
    height, width = video.shape[-2:]
    side = min(height, width)
    spare = max(height, width) - side
    along = -2 if height > width else -1
    shares = [Fraction(k, count - 1) for k in range(count)] if count > 1 else [Fraction(1, 2)]
    places = [math.ceil(spare * share) for share in shares]
    return torch.stack([video.narrow(along, place, side) for place in places])


@dataclass(eq=False)
class PeopleMapper:
    """The clip around a keyframe, and its people: what training and testing have in common.

    Attributes:
        reader: decodes frames.
        transform: geometry and colour.
        class_map: the order of the classes; None: there are none (K = 0), for people alone.
        clock: what a tick is.
        frames: T.
        stride: frames from one of the clip to the next; 0 repeats the keyframe, which shows what a
            model knows without motion.
        rate: frames a second that the stride counts in; None counts the file's own.
        overrun: seconds that a keyframe may lie outside of its file, where the first or last frame
            stands in for it; further out it counts as unreadable. None sets no limit.
    """

    reader: FrameReader
    transform: Transform
    class_map: ClassMap | None
    clock: Clock
    frames: int = 1
    stride: int = 1
    rate: float | None = None
    overrun: float | None = 0.5

    collate = staticmethod(PeopleBatch.join)

    def _sample(self, record: AnnotatedKeyframe, smallest_side: float | None) -> PeopleBatch:
        """The sample of a keyframe, without people whose box has a side below some pixels."""
        people = record.people
        wanted = self._times(record)
        video = as_video(self.reader.frames(record.path, wanted))
        pixels = to_pixels(people.boxes, video.shape[-2], video.shape[-1]).astype(np.float32)
        clip, boxes = self.transform(video, torch.from_numpy(pixels))
        targets = self._targets(people.actions)
        if smallest_side is not None:
            kept = (boxes[:, 2:] - boxes[:, :2]).amin(dim=1) >= smallest_side
            boxes, targets = boxes[kept], targets[kept]
        height, width = clip.shape[-2:]
        return PeopleBatch(
            clip.transpose(0, 1)[None], [(height, width)], [boxes], [targets], [people]
        )

    def _times(self, record: AnnotatedKeyframe) -> np.ndarray:
        """(T,) seconds of the clip.

        Raises:
            InputError: the file cannot be read, or the keyframe is not within it.
        """
        tick, frame_times = record.people.keyframe.tick, self.reader.times(record.path)
        try:
            time = self.clock.seconds(tick, frame_times)
        except IndexError as error:
            raise InputError(f"{record.path}: tick {tick}: {error}") from error
        outside = max(time - frame_times[-1], frame_times[0] - time)
        if self.overrun is not None and outside > self.overrun:
            raise InputError(
                f"{record.path}: tick {tick} is {outside:.1f} s outside of the "
                f"{frame_times[-1]:.1f} s of the file"
            )
        return clip_times(frame_times, time, self.frames, self.stride, self.rate)

    def _targets(self, actions: Sequence[Sequence[int]]) -> Tensor:
        """(R, K) float32."""
        if self.class_map is None:
            return torch.zeros(len(actions), 0)
        targets = torch.zeros(len(actions), len(self.class_map))
        for person, ids in enumerate(actions):
            for action in ids:
                targets[person, self.class_map.index(action)] = 1.0
        return targets


@dataclass(eq=False)
class PeopleTrainMapper(PeopleMapper):
    """A `PeopleMapper` whose samples are without those whom a training crop cuts away.

    Attributes:
        smallest_side: pixels; a box that the crop leaves thinner than this is dropped.
    """

    smallest_side: float = 2.0
    repeats: ClassVar[int] = 1

    def __call__(self, record: AnnotatedKeyframe, rng: np.random.Generator) -> PeopleBatch:
        """The sample of a keyframe; the transform draws from torch, and nothing from `rng`."""
        return self._sample(record, self.smallest_side)


class PeopleTestMapper(PeopleMapper):
    """A `PeopleMapper` whose samples have all people of a keyframe."""

    def items(self, records: Sequence[AnnotatedKeyframe]) -> Sequence[AnnotatedKeyframe]:
        """The records themselves."""
        return records

    def __call__(self, item: AnnotatedKeyframe) -> PeopleBatch:
        """The sample of a keyframe."""
        return self._sample(item, None)


def as_video(frames: np.ndarray) -> Tensor:
    """(T, H, W, C) uint8 array to a (T, C, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).contiguous()
