"""Make samples of records: decode the clip's frames, transform them, encode the labels.

A training mapper takes a record and a random generator. A test mapper takes an item of `items`.
A sample is a batch by itself (`ava_det.batch`), and `collate` joins several samples.

Shapes: C channels, T frames, H W pixels, R people, K classes. The config names the augmentation,
which is a callable on (video (T, C, H, W) uint8, boxes (R, 4) or tubes (R, T, 4) in pixels).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ava_det.batch import Batch, ClipBatch, PeopleBatch, keyframe_boxes
from ava_det.boxes import boxes_at, to_pixels
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
    nearest_frames,
    random_clip_start,
    segment_times,
    uniform_window_starts,
    window_times,
)
from ava_det.video.video import FrameReader

Transform = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Sample = TypeVar("Sample", bound=Batch)


class TrainMapper(Protocol[Sample]):
    """The interface that a training loader needs from a mapper.

    Attributes:
        repeats: The number of clips in a sample.
    """

    repeats: int

    def __call__(self, record: Any, rng: np.random.Generator) -> Sample:
        """Return the sample of a record; all random numbers come from `rng` and torch."""
        ...

    def collate(self, samples: Sequence[Sample], unreadable: Sequence[UnreadableVideo]) -> Sample:
        """Join samples to one batch."""
        ...


class TestMapper(Protocol[Sample]):
    """The interface that a test loader needs from a mapper."""

    def items(self, records: Sequence[Any]) -> Sequence[Any]:
        """Return the inputs of the mapper in order: the records, or several clips of each."""
        ...

    def __call__(self, item: Any) -> Sample:
        """Return the sample of an item."""
        ...

    def collate(self, samples: Sequence[Sample], unreadable: Sequence[UnreadableVideo]) -> Sample:
        """Join samples to one batch."""
        ...


class ClipTrainMapper:
    """Draw random clips from a labelled video.

    Args:
        reader: Decodes frames.
        transform: Changes geometry and colour; must give all clips the same size.
        frames: T.
        stride: The step from one frame of the clip to the next.
        rate: The frame rate that `stride` and `window` refer to; None is the rate of the file.
        window: A clip is drawn from so many consecutive frames (VideoMix: 64). The window is
            at least as long as the clip.
        segments: Take one frame from each of T equal parts of the video, as is usual for
            Something-Something. This ignores `stride`, `rate` and `window`.
        repeats: The number of clips per drawn video. They have the same frames, which are decoded
            once, with different augmentations (Hoffer et al., arXiv 1901.09335; PySlowFast's
            `AUG.NUM_SAMPLE`).
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
            raise InputError(f"mapper.repeats={repeats}: must be at least 1")
        self.reader, self.transform = reader, transform
        self.frames, self.stride, self.rate = frames, stride, rate
        self.window = max(window or 0, frames * stride)
        self.segments, self.repeats = segments, repeats

    def __call__(self, record: LabelledVideo, rng: np.random.Generator) -> ClipBatch:
        """Return `repeats` clips of a video; `rng` draws the frames."""
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
    """One of the test clips of a labelled video.

    Attributes:
        record: The video.
        number: The number of the clip, from 0.
    """

    record: LabelledVideo
    number: int

    @property
    def video(self) -> str:
        """Return the name of the video."""
        return self.record.video

    @property
    def path(self) -> str:
        """Return the path of the video file."""
        return self.record.path


class ClipTestMapper:
    """Take the test clips of a labelled video, each with one view or several crops.

    Args:
        reader: Decodes frames.
        transform: Changes geometry and colour; must give all clips the same size, unless `crops`
            is set.
        frames: T.
        stride: The step from one frame of the clip to the next.
        rate: The frame rate that `stride` refers to; None is the rate of the file.
        segments: Take one frame from each of T equal parts of the video. This ignores `stride`
            and `rate`.
        clips: The number of clips of a video, spread evenly from the first frame to the last; a
            single clip is in the middle.
        crops: The number of square crops of a clip (`square_crops`); None keeps the whole clip.
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
            raise ValueError(
                f"clips={clips}: must be at least 1" + ", and 1 with segments" * segments
            )
        if crops is not None and crops < 1:
            raise ValueError(f"crops={crops}: must be at least 1")
        self.reader, self.transform = reader, transform
        self.frames, self.stride, self.rate = frames, stride, rate
        self.segments, self.clips, self.crops = segments, clips, crops

    def items(self, records: Sequence[LabelledVideo]) -> Sequence[VideoClip]:
        """Return the clips of all videos."""
        return [VideoClip(record, k) for record in records for k in range(self.clips)]

    def __call__(self, item: VideoClip) -> ClipBatch:
        """Return the views of one clip of a video."""
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
    """Make a batch of the views (V, T, C, H, W) of one video."""
    labels = torch.full((len(views),), record.label)
    return ClipBatch(views.transpose(1, 2), labels, [record.video] * len(views))


def square_crops(video: Tensor, count: int) -> Tensor:
    """Cut square crops along the longer side, evenly spaced.

    A single crop is in the middle. Three crops are those of PySlowFast's `uniform_crop`, which
    rounds offsets up.

    Args:
        video: (T, C, H, W).
        count: The number of crops.

    Returns:
        (count, T, C, S, S), where S is the shorter of H and W.
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
    """Load the clip around a keyframe, and the people on the keyframe.

    This is the base of the mappers for training and for testing.

    Attributes:
        reader: Decodes frames.
        transform: Changes geometry and colour.
        class_map: The order of the classes; None: no classes (K = 0), for person detectors.
        clock: Converts ticks to seconds.
        frames: T.
        stride: The step from one frame of the clip to the next; 0 repeats the keyframe, which shows
            how much a model knows without motion.
        rate: The frame rate that `stride` refers to; None is the rate of the file.
        overrun: How far, in seconds, a keyframe may lie before the first or after the last frame of
            the file. The first or last frame replaces such a keyframe; a keyframe further outside
            counts as unreadable. None sets no limit.
        tubes: Give a box for every frame of the clip, (R, T, 4), in place of the box on the
            keyframe. The boxes are interpolated linearly on the track of the person, so the records
            need tracks.
    """

    reader: FrameReader
    transform: Transform
    class_map: ClassMap | None
    clock: Clock
    frames: int = 1
    stride: int = 1
    rate: float | None = None
    overrun: float | None = 0.5
    tubes: bool = False

    collate = staticmethod(PeopleBatch.join)

    def _sample(self, record: AnnotatedKeyframe, smallest_side: float | None) -> PeopleBatch:
        """Return the sample of a keyframe, without boxes that are narrower than `smallest_side`."""
        people = record.people
        wanted = self._times(record)
        video = as_video(self.reader.frames(record.path, wanted))
        relative = self._tubes(record, wanted) if self.tubes else people.boxes
        pixels = to_pixels(relative, video.shape[-2], video.shape[-1]).astype(np.float32)
        clip, boxes = self.transform(video, torch.from_numpy(pixels))
        targets = self._targets(people.actions)
        if smallest_side is not None:
            corners = keyframe_boxes(boxes)
            kept = (corners[:, 2:] - corners[:, :2]).amin(dim=1) >= smallest_side
            boxes, targets = boxes[kept], targets[kept]
        height, width = clip.shape[-2:]
        return PeopleBatch(
            clip.transpose(0, 1)[None], [(height, width)], [boxes], [targets], [people]
        )

    def _times(self, record: AnnotatedKeyframe) -> np.ndarray:
        """Return the times of the clip's frames, (T,) seconds.

        Raises:
            InputError: The file cannot be read, or the keyframe lies outside of the file.
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

    def _tubes(self, record: AnnotatedKeyframe, wanted: np.ndarray) -> np.ndarray:
        """Return the relative boxes (R, T, 4) of the people on the frames nearest to `wanted` (T,).

        Raises:
            ValueError: The record has no tracks.
        """
        if record.tracks is None:
            raise ValueError(f"{record.path}: tubes need records with tracks")
        frame_times = self.reader.times(record.path)
        shown = frame_times[nearest_frames(frame_times, wanted)]
        # Count from the keyframe: its frame may be a little before or after the tick.
        tick = record.people.keyframe.tick
        times = self.clock.seconds(tick, frame_times) + (shown - shown[self.frames // 2])
        tubes = np.zeros((len(record.tracks), self.frames, 4))
        for tube, track in zip(tubes, record.tracks, strict=True):
            known = self.clock.times(track.ticks, frame_times)
            there = ~np.isnan(known)  # a track may be longer than the file
            tube[:] = boxes_at(times, known[there], track.boxes[there])
        return tubes

    def _targets(self, actions: Sequence[Sequence[int]]) -> Tensor:
        """Return the targets (R, K) float32."""
        if self.class_map is None:
            return torch.zeros(len(actions), 0)
        targets = torch.zeros(len(actions), len(self.class_map))
        for person, ids in enumerate(actions):
            for action in ids:
                targets[person, self.class_map.index(action)] = 1.0
        return targets


@dataclass(eq=False)
class PeopleTrainMapper(PeopleMapper):
    """A `PeopleMapper` for training: it drops people outside of the random crop.

    Attributes:
        smallest_side: A box with a smaller side after the crop, in pixels, is dropped.
    """

    smallest_side: float = 2.0
    repeats: ClassVar[int] = 1

    def __call__(self, record: AnnotatedKeyframe, rng: np.random.Generator) -> PeopleBatch:
        """Return the sample of a keyframe; the transform draws from torch, `rng` is unused."""
        return self._sample(record, self.smallest_side)


class PeopleTestMapper(PeopleMapper):
    """A `PeopleMapper` for testing: it keeps all people of a keyframe."""

    def items(self, records: Sequence[AnnotatedKeyframe]) -> Sequence[AnnotatedKeyframe]:
        """Return the records unchanged."""
        return records

    def __call__(self, item: AnnotatedKeyframe) -> PeopleBatch:
        """Return the sample of a keyframe."""
        return self._sample(item, None)


def as_video(frames: np.ndarray) -> Tensor:
    """Convert a (T, H, W, C) uint8 array to a (T, C, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).contiguous()
