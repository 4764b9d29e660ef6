"""What is compared with PySlowFast's AVA input, by its record and by the tests."""

from dataclasses import dataclass
from typing import Any

import numpy as np

SAMPLES = 32
# centre, frames, stride, frames of the video
SEQUENCES = [
    (centre, frames, stride, count)
    for frames, stride in ((32, 2), (8, 8), (4, 16), (64, 2), (16, 4))
    for centre, count in ((60, 27030), (10, 27030), (0, 100), (90, 100), (99, 100), (400, 100))
]
PATHWAYS = [(32, 4), (32, 8), (64, 4), (16, 4), (8, 4), (8, 2)]  # frames, alpha


@dataclass(frozen=True)
class Clip:
    """How the keyframes of one drawn video are read."""

    video: str
    frames: int
    stride: int
    alpha: int
    size: int
    bgr: bool = False
    backend: str = "cv2"
    split: str = "test"


CLIPS = {
    "wide": Clip("wide", 32, 2, 4, 64),
    "tall": Clip("tall", 32, 2, 4, 64),
    "level": Clip("level", 32, 2, 4, 64),
    "long": Clip("wide", 64, 2, 4, 48),
    "large": Clip("large", 4, 16, 1, 256),
    "small": Clip("small", 4, 16, 1, 96),
    "bgr": Clip("odd", 8, 8, 1, 64, bgr=True),
    "float_wide": Clip("wide", 4, 16, 1, 64, backend="pytorch"),
    "float_tall": Clip("tall", 4, 16, 1, 64, backend="pytorch"),
    "float_large": Clip("large", 4, 16, 1, 256, backend="pytorch"),
    "train_wide": Clip("wide", 8, 8, 1, 48, split="train"),
    "train_tall": Clip("tall", 8, 8, 1, 48, split="train"),
}
REAL = {  # of the folder of real videos; 10 and 28 frames a second, shown at 30
    "pedestrians": Clip("pedestrians_768x576_10fps", 4, 16, 1, 256),
    "demo": Clip("mmaction2_demo", 8, 8, 4, 224),
}


def digest(clip: np.ndarray) -> dict[str, Any]:
    """A clip (C, T, H, W) in a few numbers: its shape, samples of it, and projections.

    The projections are, of each frame, the mean of its values, plain and under signs that change in
    a fixed irregular order.
    """
    values = clip.astype(np.float64)
    place = np.arange(values.size)
    signs = np.where((place * 2654435761 >> 7) % 64 < 32, 1.0, -1.0).reshape(values.shape)
    samples = values.ravel()[np.arange(SAMPLES) * 2654435761 % values.size]
    axes = (0, 2, 3)
    moments = [values.mean(axes), (values * signs).mean(axes)]
    return {
        "shape": list(clip.shape),
        "samples": samples.round(6).tolist(),
        "projections": [moment.round(7).tolist() for moment in moments],
    }
