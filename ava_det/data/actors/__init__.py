"""The embedded default data set: rendered people whose actions only motion tells apart.

Read it in this order: `actions` (what is told apart, and why a frame does not tell it), `body` and
`figure` (what a person is), `scenes`, `script` and `casting` (who does what where), `render` (the
pictures and the boxes), `produce` and `dataset` (the files).
"""

from ava_det.data.actors.actions import class_map
from ava_det.data.actors.produce import (
    CLOCK,
    SUBSETS,
    SceneBias,
    Sizes,
    scripts,
    write_video,
)
from ava_det.data.actors.scenes import SCENES
from ava_det.data.sets.actors import load_keyframes, load_videos, prepare, register

__all__ = [
    "CLOCK",
    "SCENES",
    "SUBSETS",
    "SceneBias",
    "Sizes",
    "class_map",
    "load_keyframes",
    "load_videos",
    "prepare",
    "register",
    "scripts",
    "write_video",
]
