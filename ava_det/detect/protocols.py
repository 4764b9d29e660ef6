"""What the parts of detection hand to each other, and what a backend has to do. No torch.

Pictures and clips are uint8 RGB arrays of numpy, boxes are relative; each backend turns them into
what its models take.
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
        scores: (R,) float64, how sure the person detector is.
        tracks: (R,) int64 track ids; empty before people are tracked.
    """

    boxes: np.ndarray
    scores: np.ndarray
    tracks: np.ndarray = field(default_factory=_no_tracks)

    def __len__(self) -> int:
        """R, how many."""
        return len(self.boxes)


class PersonFinder(Protocol):
    """A person detector that is ready to run."""

    def people(self, frames: np.ndarray) -> list[People]:
        """The people on each frame, best first.

        Args:
            frames: (N, H, W, 3) uint8 RGB.
        """
        ...


class ActionBackend(Protocol):
    """An action detector that is ready to run.

    Attributes:
        class_map: what the score columns mean.
        clip: the clips that it takes.
    """

    class_map: ClassMap
    clip: ClipShape

    def scores(self, clips: np.ndarray, boxes: list[np.ndarray]) -> list[np.ndarray]:
        """Action scores of the people on the keyframes of some clips.

        Args:
            clips: (N, T, H, W, 3) uint8 RGB; the short side is that of `clip`.
            boxes: N arrays (R_n, 4), xyxy, relative; R_n may be 0.

        Returns:
            N arrays (R_n, K) float32 in [0, 1].
        """
        ...
