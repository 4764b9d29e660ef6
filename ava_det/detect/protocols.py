"""The data types of detection and the interfaces of a backend, without torch.

Pictures and clips are uint8 RGB numpy arrays. Boxes are relative. Each backend converts them to the
inputs of the models.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ava_det.formats.class_map import ClassMap
from ava_det.structures import ClipShape

Frame = np.ndarray  # (H, W, 3) uint8 RGB


def _no_tracks() -> np.ndarray:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class People:
    """The people on one frame.

    Attributes:
        boxes: (R, 4) float64, xyxy, relative to the frame, in [0, 1].
        scores: (R,) float64 confidences of the person detector.
        tracks: (R,) int64 track ids; empty before tracking.
        keypoints: (R, 17, 3) float64, COCO's keypoints: relative x and y, and a score in [0, 1].
            None if the detector finds boxes only.
    """

    boxes: np.ndarray
    scores: np.ndarray
    tracks: np.ndarray = field(default_factory=_no_tracks)
    keypoints: np.ndarray | None = None


class PersonFinder(Protocol):
    """The interface of a loaded person detector."""

    def people(self, frames: np.ndarray) -> list[People]:
        """Detect the people on each frame, best score first.

        Args:
            frames: (N, H, W, 3) uint8 RGB.
        """
        ...


class ActionBackend(Protocol):
    """The interface of a loaded action model.

    Attributes:
        class_map: The classes of the score columns.
        clip: The shape of the input clips.
    """

    class_map: ClassMap
    clip: ClipShape

    def scores(self, clips: np.ndarray, boxes: list[np.ndarray]) -> list[np.ndarray]:
        """Score the actions of the people on the keyframes of some clips.

        Args:
            clips: (N, T, H, W, 3) uint8 RGB, with the short side `clip.short_side`.
            boxes: N arrays (R_n, T, 4), xyxy, relative: the box of each person on every frame of
                the clip. The keyframe is frame T // 2. R_n may be 0.

        Returns:
            N arrays (R_n, K) float32 in [0, 1].
        """
        ...
