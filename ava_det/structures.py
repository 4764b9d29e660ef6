"""The types that all parts of the package share. Importing them does not load torch."""

import math
from dataclasses import dataclass

import numpy as np

LARGEST_TICK = 10**15  # a table's float64 holds it exactly, and a start added to it
# The normalisation that video models are usually trained with, of pixels / 255: PySlowFast's and
# PyTorchVideo's, with one grey for all channels. MMAction2's models and ImageNet's take the other.
GREY_MEAN, GREY_STD = (0.45,) * 3, (0.225,) * 3
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # RGB
GREY = 115  # the byte that `GREY_MEAN` takes to zero: fills padding and blanked boxes
# COCO's keypoints of a person, in order; `KEYPOINTS_MIRRORED[k]` is the place of keypoint k in a
# mirrored picture.
KEYPOINTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
    "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle")  # fmt: skip
KEYPOINTS_MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
RATES = 1e-6, 1e9  # ticks a second: from one in days to one a nanosecond


class InputError(Exception):
    """An error for input that cannot be used.

    The message is one line with the file and, if known, the row.
    """


@dataclass(frozen=True, order=True)
class Keyframe:
    """One annotated instant of a video.

    Attributes:
        video: The name of the video, without an extension.
        tick: The number of the instant. The `Clock` of the data set converts it to seconds.
    """

    video: str
    tick: int


@dataclass(frozen=True)
class Clock:
    """The rule of a data set that turns a tick into a time.

    Attributes:
        rate: Ticks per second. None means that a tick is the 0-based index of a frame, at the
            frame's own presentation time.
        start: The tick at time 0 of the video file.

    >>> AVA_CLOCK.seconds(902)
    2.0
    """

    rate: float | None
    start: int = 0

    def seconds(self, tick: int, frame_times: np.ndarray | None = None) -> float:
        """Return the time of `tick` in seconds from the first frame of the file.

        Args:
            tick: The tick.
            frame_times: (F,) presentation times of the file's frames in seconds. They are needed if
                a tick is a frame.

        Raises:
            IndexError: The tick lies beyond the frames of the file.
        """
        if self.rate is not None:
            return (tick - self.start) / self.rate
        if frame_times is None:
            raise TypeError("a tick that is a frame needs the file's frame times")
        index = tick - self.start
        if not 0 <= index < len(frame_times):
            raise IndexError(f"frame {index} of {len(frame_times)}")
        return float(frame_times[index])

    def times(self, ticks: np.ndarray, frame_times: np.ndarray) -> np.ndarray:
        """Return the seconds (M,) of ticks (M,); NaN for a tick beyond the frames of the file.

        Args:
            ticks: (M,) the instants.
            frame_times: As for `seconds`.

        >>> FRAME_CLOCK.times(np.array([1, 9]), frame_times=np.array([0.0, 0.04]))
        array([0.04,  nan])
        """
        index = ticks - self.start
        if self.rate is not None:
            return index / self.rate
        there = (index >= 0) & (index < len(frame_times))
        return np.where(there, frame_times[np.where(there, index, 0)], np.nan)


AVA_CLOCK = Clock(rate=1.0, start=900)  # a tick is a second of the movie; the cut starts at 900
FRAME_CLOCK = Clock(rate=None)  # a tick is a frame, as in JHMDB and UCF101-24


MOST_PIXELS = 1 << 24  # frames x short side^2 of a clip: 64 frames of 512, 16 of 1024
MOST_PIXELS_OF_A_FRAME = 1 << 21  # side^2 for a person detector, which gets many frames
MOST_PERSON_SIDE = math.isqrt(MOST_PIXELS_OF_A_FRAME)
LARGEST_OF_A_CLIP = 1 << 14  # frames, pixels of a side, frames a second


@dataclass(frozen=True)
class ClipShape:
    """The clip that a model takes.

    Attributes:
        frames: T, the number of frames.
        stride: The step from one frame of the clip to the next, in frames of `rate`.
        rate: The frames per second that the stride counts. None counts the frames of the file.
        short_side: The short side of the frames in testing, in pixels.
    """

    frames: int
    stride: int
    rate: float | None
    short_side: int

    def __post_init__(self) -> None:
        """Refuse sizes that are not positive whole numbers, or that are too large."""
        counts = (self.frames, self.stride, self.short_side)
        if any(type(count) is not int or not 1 <= count <= LARGEST_OF_A_CLIP for count in counts):
            words = f"{self.frames!r} x {self.stride!r} at {self.short_side!r}"
            raise ValueError(f"a clip of {words:.80}")
        rate = self.rate
        if rate is not None and not (type(rate) in (int, float) and 0 < rate <= LARGEST_OF_A_CLIP):
            raise ValueError(f"a clip at {rate!r:.60} frames a second")


@dataclass(frozen=True, eq=False)
class PersonBoxes:
    """The annotated or proposed people of one keyframe.

    Attributes:
        keyframe: The video and the tick.
        boxes: (R, 4) float64, xyxy, relative to the frame, in [0, 1].
        actions: R tuples of 1-based action ids; empty for a person without a label.
        scores: (R,) float64 scores of the person detector; 1 for ground truth.
        person_ids: (R,) int64 track or person ids, -1 where unknown.
    """

    keyframe: Keyframe
    boxes: np.ndarray
    actions: tuple[tuple[int, ...], ...]
    scores: np.ndarray
    person_ids: np.ndarray

    def __post_init__(self) -> None:
        """Refuse lengths that disagree."""
        lengths = {len(self.boxes), len(self.actions), len(self.scores), len(self.person_ids)}
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4 or len(lengths) != 1:
            raise ValueError(f"{self.keyframe}: boxes, actions, scores and ids must be R long")

    @classmethod
    def nobody(cls, keyframe: Keyframe) -> "PersonBoxes":
        """Return a keyframe without people."""
        return cls(keyframe, np.zeros((0, 4)), (), np.zeros(0), np.zeros(0, np.int64))

    @classmethod
    def found(cls, keyframe: Keyframe, boxes: np.ndarray, scores: np.ndarray) -> "PersonBoxes":
        """Return detected people, without actions and ids, of boxes (R, 4) and scores (R,)."""
        return cls(keyframe, boxes, ((),) * len(boxes), scores, np.full(len(boxes), -1, np.int64))

    def select(self, chosen: np.ndarray) -> "PersonBoxes":
        """Return the people for whom `chosen` (R,) is true."""
        rows = np.flatnonzero(chosen)
        actions = tuple(self.actions[row] for row in rows)
        return PersonBoxes(
            self.keyframe, self.boxes[rows], actions, self.scores[rows], self.person_ids[rows]
        )


@dataclass(frozen=True, eq=False)
class ActionDetections:
    """The action scores of the people of one keyframe.

    Attributes:
        keyframe: The video and the tick.
        boxes: (R, 4) float64, xyxy, relative.
        scores: (R, K) float32 action scores in [0, 1]; column k is the class map's k-th id.
        person_scores: (R,) float64 scores of the person detector.
    """

    keyframe: Keyframe
    boxes: np.ndarray
    scores: np.ndarray
    person_scores: np.ndarray


@dataclass(frozen=True)
class LabelledVideo:
    """One item of a classification set.

    Attributes:
        video: The name of the video.
        path: The file.
        label: The 0-based index of the class.
    """

    video: str
    path: str
    label: int


@dataclass(frozen=True, eq=False)
class Track:
    """The boxes of one person on the keyframes of a video.

    Attributes:
        ticks: (M,) int64, increasing; M is at least 1.
        boxes: (M, 4) float64, xyxy, relative to the frame.
    """

    ticks: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True, eq=False)
class AnnotatedKeyframe:
    """One item of a detection set: the video file of a keyframe and the people on the keyframe.

    Attributes:
        path: The video file.
        people: The R people on the keyframe.
        tracks: The R tracks of the people, which include the boxes on this keyframe. None if the
            data set was not asked for tracks.
    """

    path: str
    people: PersonBoxes
    tracks: tuple[Track, ...] | None = None

    @property
    def video(self) -> str:
        """Return the name of the video that contains the keyframe."""
        return self.people.keyframe.video


@dataclass(frozen=True)
class UnreadableVideo:
    """A video that was left out because the file is missing or broken, with the reason."""

    video: str
    path: str
    reason: str
