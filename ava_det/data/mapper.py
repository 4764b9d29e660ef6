"""From a record to a sample: decode the clip's frames, transform them, encode the labels.

Shapes: C channels, T frames, H W pixels, R people, K classes. The augmentation is a callable on
(video (T, C, H, W) uint8, boxes (R, 4) in pixels), given by a config.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ava_det.boxes import to_pixels
from ava_det.formats.class_map import ClassMap
from ava_det.structures import GREY, AnnotatedKeyframe, Clock, InputError, LabelledVideo
from ava_det.video.sampling import (
    clip_times,
    random_clip_start,
    segment_times,
    uniform_window_starts,
    window_times,
)
from ava_det.video.video import FrameReader

Transform = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Sample = dict[str, Any]


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


class RecognitionMapper:
    """Clips of a labelled video. V views: `repeats` in training, the crops of one clip in testing.

    Args:
        reader: decodes frames.
        transform: geometry and colour; must give all clips one size, unless `crops` does.
        frames: T.
        stride: frames from one of the clip to the next.
        rate: frames a second that stride and window count in; None counts the file's own.
        window: consecutive frames that a training clip is drawn from (VideoMix: 64); no fewer than
            the clip's own.
        segments: one frame from each of T equal parts of the video instead, as is usual for
            Something-Something; stride, rate and window do not count then.
        clips: of a video in testing, spread evenly from its first frame to its last.
        crops: of a clip in testing: so many squares, see `square_crops`; None leaves clips as
            `transform` gives them.
        repeats: clips that a drawn video gives in training: the same frames, decoded once, each
            time augmented anew (Hoffer et al., arXiv 1901.09335; PySlowFast's `AUG.NUM_SAMPLE`).
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
        clips: int = 1,
        crops: int | None = None,
        repeats: int = 1,
    ):
        if clips < 1 or (segments and clips != 1):
            raise ValueError(f"{clips} clips of a video" + " of segments" * segments)
        if crops is not None and crops < 1:
            raise ValueError(f"{crops} crops of a clip")
        if repeats < 1:
            raise InputError(f"mapper.repeats={repeats}: a video gives one clip at least")
        self.reader, self.transform = reader, transform
        self.frames, self.stride, self.rate = frames, stride, rate
        self.window = max(window or 0, frames * stride)
        self.segments, self.clips, self.crops, self.repeats = segments, clips, crops, repeats

    def __call__(
        self, record: LabelledVideo | VideoClip, rng: np.random.Generator | None = None
    ) -> Sample:
        """Sample of a video.

        Args:
            record: a video, whose frames are drawn with `rng`; or a clip of its `clips` in testing.
            rng: where the draw comes from in training.

        Returns:
            `clips` (V, C, T, H, W) uint8, `label` 0-based, `video` its name.
        """
        item = record.record if isinstance(record, VideoClip) else record
        number = record.number if isinstance(record, VideoClip) else self.clips // 2
        times = self._times(self.reader.times(item.path), rng, number)
        video = as_video(self.reader.frames(item.path, times))
        nobody = torch.zeros(0, 4)
        if rng is not None:
            views = torch.stack([self.transform(video, nobody)[0] for _ in range(self.repeats)])
        else:
            clip, _ = self.transform(video, nobody)
            views = square_crops(clip, self.crops) if self.crops else clip[None]
        return {"clips": views.transpose(1, 2), "label": item.label, "video": item.video}

    def _times(
        self, frame_times: np.ndarray, rng: np.random.Generator | None, number: int
    ) -> np.ndarray:
        """(T,) seconds of a drawn clip or of clip `number` in testing."""
        if self.segments:
            return segment_times(frame_times, self.frames, rng)
        span = self.frames * self.stride
        if rng is None:
            start = uniform_window_starts(frame_times, span, self.clips, self.rate)[number]
        else:
            start = random_clip_start(frame_times, span, self.window, rng, self.rate)
        return window_times(frame_times, start, self.frames, self.stride, self.rate)


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


class DetectionMapper:
    """The clip around a keyframe, and its people.

    Args:
        reader: decodes frames.
        transform: geometry and colour.
        class_map: the order of the classes; None: there are none (K = 0), for people alone.
        clock: what a tick is.
        frames: T.
        stride: frames from one of the clip to the next; 0 repeats the keyframe, which shows what a
            model knows without motion.
        rate: frames a second that the stride counts in; None counts the file's own.
        smallest_side: pixels; a box that a training crop leaves thinner than this is dropped.
        overrun: seconds that a keyframe may lie outside of its file, where the first or last frame
            stands in for it; further out it counts as unreadable. None sets no limit.
    """

    def __init__(
        self,
        reader: FrameReader,
        transform: Transform,
        class_map: ClassMap | None,
        clock: Clock,
        frames: int,
        stride: int,
        rate: float | None = None,
        smallest_side: float = 2.0,
        overrun: float | None = 0.5,
    ):
        self.reader, self.transform = reader, transform
        self.class_map, self.clock = class_map, clock
        self.frames, self.stride, self.rate = frames, stride, rate
        self.smallest_side, self.overrun = smallest_side, overrun

    def __call__(self, record: AnnotatedKeyframe, rng: np.random.Generator | None = None) -> Sample:
        """Sample of one keyframe.

        Args:
            record: where, and who is there.
            rng: given in training, where people whom the crop cut away are dropped.

        Returns:
            `clip` (C, T, H, W) uint8, `boxes` (R, 4) float32 in pixels of the clip, `targets`
            (R, K) float32, `people` the record's own.

        Raises:
            InputError: the file cannot be read, or the keyframe is not within it.
        """
        people = record.people
        frame_times = self.reader.times(record.path)
        try:
            time = self.clock.seconds(people.keyframe.tick, frame_times)
        except IndexError as error:
            raise InputError(f"{record.path}: tick {people.keyframe.tick}: {error}") from error
        outside = max(time - frame_times[-1], frame_times[0] - time)
        if self.overrun is not None and outside > self.overrun:
            raise InputError(
                f"{record.path}: tick {people.keyframe.tick} is {outside:.1f} s outside of the "
                f"{frame_times[-1]:.1f} s of the file"
            )
        wanted = clip_times(frame_times, time, self.frames, self.stride, self.rate)
        video = as_video(self.reader.frames(record.path, wanted))
        pixels = to_pixels(people.boxes, video.shape[-2], video.shape[-1]).astype(np.float32)
        clip, boxes = self.transform(video, torch.from_numpy(pixels))
        targets = self._targets(people.actions)
        if rng is not None:
            kept = (boxes[:, 2:] - boxes[:, :2]).amin(dim=1) >= self.smallest_side
            boxes, targets = boxes[kept], targets[kept]
        clip = clip.transpose(0, 1)
        return {"clip": clip, "boxes": boxes, "targets": targets, "people": people}

    def _targets(self, actions: Sequence[Sequence[int]]) -> Tensor:
        if self.class_map is None:
            return torch.zeros(len(actions), 0)
        targets = torch.zeros(len(actions), len(self.class_map))
        for person, ids in enumerate(actions):
            for action in ids:
                targets[person, self.class_map.index(action)] = 1.0
        return targets


def as_video(frames: np.ndarray) -> Tensor:
    """(T, H, W, C) uint8 array to a (T, C, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).contiguous()


def collate_clips(samples: Sequence[Sample]) -> dict[str, Any]:
    """Samples of `RecognitionMapper` to one batch.

    Returns:
        `clips` (N, C, T, H, W), `labels` (N,) and the `videos`' N names, N being all views.
    """
    views = [(s["label"], s["video"]) for s in samples for _ in s["clips"]]
    return {
        "clips": torch.cat([s["clips"] for s in samples]),
        "labels": torch.tensor([label for label, _ in views]),
        "videos": [video for _, video in views],
    }


def collate_people(samples: Sequence[Sample]) -> dict[str, Any]:
    """Samples of `DetectionMapper` to one batch; smaller clips are padded right and below.

    Padding on those sides leaves boxes in pixels as they are; `sizes` are (height, width) without.
    """
    height = max(s["clip"].shape[-2] for s in samples)
    width = max(s["clip"].shape[-1] for s in samples)
    clips = [_pad(s["clip"], height, width) for s in samples]
    sizes = [tuple(s["clip"].shape[-2:]) for s in samples]
    batch = {"clips": torch.stack(clips), "sizes": sizes}
    return batch | {name: [s[name] for s in samples] for name in ("boxes", "targets", "people")}


def _pad(clip: Tensor, height: int, width: int) -> Tensor:
    missing = (0, width - clip.shape[-1], 0, height - clip.shape[-2])
    return F.pad(clip, missing, value=GREY) if any(missing) else clip
