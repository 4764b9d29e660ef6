"""Spatio-temporal action detection: who does what, where and when in a video.

>>> import ava_det
>>> detector = ava_det.load_detector("action.safetensors", persons="light")
>>> detector.detect("film.mp4").to_json("found.json")

`load_detector` loads a detector of people and their actions, `evaluate` computes the mAP of
results, `load_model` loads a torch model, and `VideoMix` mixes clips for training. Each is imported
on first use, so that importing this package is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ava_det.extras import naming_extra

if TYPE_CHECKING:
    from ava_det.augment.videomix import VideoMix as VideoMix
    from ava_det.detect.load import load_detector as load_detector
    from ava_det.evaluation.evaluate import evaluate as evaluate
    from ava_det.weights.load import load_model as load_model

_EXPORTS = {
    "VideoMix": "ava_det.augment.videomix",
    "evaluate": "ava_det.evaluation.evaluate",
    "load_detector": "ava_det.detect.load",
    "load_model": "ava_det.weights.load",
}
__all__ = ["VideoMix", "evaluate", "load_detector", "load_model"]


def __getattr__(name: str) -> Any:
    """Import an exported name on first use."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with naming_extra("train"):
        value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
