"""From a record to a sample: decode the clip's frames, transform them, encode the labels.

Shapes: C channels, T frames, H W pixels, R people, K classes. The augmentation is a callable on
(video (T, C, H, W) uint8, boxes (R, 4) in pixels), given by a config.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ava_det.boxes import to_pixels
from ava_det.data.sampling import (
    clip_times,
    random_clip_start,
    uniform_window_starts,
    window_times,
)
from ava_det.data.video import FrameReader
from ava_det.formats.class_map import ClassMap
from ava_det.structures import AnnotatedKeyframe, Clock, LabelledVideo

Transform = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Sample = dict[str, Any]

PADDING = 115  # grey, which the usual normalisation takes to zero


class RecognitionMapper:
    """Clips of a labelled video.

    Args:
        reader: decodes frames.
        transform: geometry and colour; must give all clips one size.
        frames: T.
        stride: frames from one of the clip to the next.
        rate: frames a second that stride and window count in; None counts the file's own.
        window: consecutive frames that a training clip is drawn from (VideoMix: 64); no fewer than
            the clip's own.
    """

    def __init__(
        self,
        reader: FrameReader,
        transform: Transform,
        frames: int,
        stride: int,
        rate: float | None = None,
        window: int | None = None,
    ):
        self.reader, self.transform = reader, transform
        self.frames, self.stride, self.rate = frames, stride, rate
        self.window = max(window or 0, frames * stride)

    def __call__(self, record: LabelledVideo, rng: np.random.Generator | None = None) -> Sample:
        """Sample of one clip: drawn with `rng` (training) or the middle of the video (testing).

        Returns:
            `clip` (C, T, H, W) uint8, `label` 0-based, `video` its name.
        """
        times = self.reader.times(record.path)
        span = self.frames * self.stride
        if rng is None:
            start = uniform_window_starts(times, span, 1, self.rate)[0]
        else:
            start = random_clip_start(times, span, self.window, rng, self.rate)
        wanted = window_times(times, start, self.frames, self.stride, self.rate)
        video = as_video(self.reader.frames(record.path, wanted))
        clip, _ = self.transform(video, torch.zeros(0, 4))
        return {"clip": clip.transpose(0, 1), "label": record.label, "video": record.video}


class DetectionMapper:
    """The clip around a keyframe, and its people.

    Args:
        reader: decodes frames.
        transform: geometry and colour.
        class_map: the order of the classes.
        clock: what a tick is.
        frames: T.
        stride: frames from one of the clip to the next; 0 repeats the keyframe, which shows what a
            model knows without motion.
        rate: frames a second that the stride counts in; None counts the file's own.
        smallest_side: pixels; a box that a training crop leaves thinner than this is dropped.
    """

    def __init__(
        self,
        reader: FrameReader,
        transform: Transform,
        class_map: ClassMap,
        clock: Clock,
        frames: int,
        stride: int,
        rate: float | None = None,
        smallest_side: float = 2.0,
    ):
        self.reader, self.transform = reader, transform
        self.class_map, self.clock = class_map, clock
        self.frames, self.stride, self.rate = frames, stride, rate
        self.smallest_side = smallest_side

    def __call__(self, record: AnnotatedKeyframe, rng: np.random.Generator | None = None) -> Sample:
        """Sample of one keyframe.

        Args:
            record: where, and who is there.
            rng: given in training, where people whom the crop cut away are dropped.

        Returns:
            `clip` (C, T, H, W) uint8, `boxes` (R, 4) float32 in pixels of the clip, `targets`
            (R, K) float32, `people` the record's own.
        """
        people = record.people
        frame_times = self.reader.times(record.path)
        time = self.clock.seconds(people.keyframe.tick, frame_times)
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
        targets = torch.zeros(len(actions), len(self.class_map))
        for person, ids in enumerate(actions):
            for action in ids:
                targets[person, self.class_map.index(action)] = 1.0
        return targets


def as_video(frames: np.ndarray) -> Tensor:
    """(T, H, W, C) uint8 array to a (T, C, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).contiguous()


def collate_clips(samples: Sequence[Sample]) -> dict[str, Any]:
    """Samples of `RecognitionMapper` to `clips` (N, C, T, H, W), `labels` (N,) and `videos`."""
    return {
        "clips": torch.stack([s["clip"] for s in samples]),
        "labels": torch.tensor([s["label"] for s in samples]),
        "videos": [s["video"] for s in samples],
    }


def collate_people(samples: Sequence[Sample]) -> dict[str, Any]:
    """Samples of `DetectionMapper` to one batch; smaller clips are padded right and below.

    Padding on those sides leaves boxes in pixels as they are.
    """
    height = max(s["clip"].shape[-2] for s in samples)
    width = max(s["clip"].shape[-1] for s in samples)
    clips = [_pad(s["clip"], height, width) for s in samples]
    batch = {"clips": torch.stack(clips)}
    return batch | {name: [s[name] for s in samples] for name in ("boxes", "targets", "people")}


def _pad(clip: Tensor, height: int, width: int) -> Tensor:
    missing = (0, width - clip.shape[-1], 0, height - clip.shape[-2])
    return F.pad(clip, missing, value=PADDING) if any(missing) else clip
