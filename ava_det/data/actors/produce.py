"""From a seed to scripts, and from a script to a video file and its AVA rows."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ava_det.data.actors.casting import company_casts, random_script, solo_casts
from ava_det.data.actors.render import Renderer
from ava_det.data.actors.scenes import SCENES
from ava_det.data.actors.script import Script, Stream, stream
from ava_det.data.video_writer import VideoWriter
from ava_det.structures import Clock, Keyframe, PersonBoxes

CLOCK = Clock(rate=3.0)
WINDOW = 1.5  # seconds around a keyframe that lie within the video
SUBSETS = ("train", "test", "clips_train", "clips_test")

# From the subset, the action ids of each person and a random stream: a key of `SCENES`.
SceneOf = Callable[[str, tuple[tuple[int, ...], ...], np.random.Generator], str]


@dataclass(frozen=True)
class Sizes:
    """How much is rendered, and how large.

    Attributes:
        train: videos of the detection set to train on.
        test: videos of the detection set to test on.
        clips_train: videos of the classification set to train on.
        clips_test: videos of the classification set to test on.
        seconds: length of a video of the detection set.
        clip_seconds: length of a video of the classification set.
        height: of the frames in pixels.
        width: of the frames in pixels.
        rate: frames a second, a multiple of `CLOCK`'s so that a keyframe is a frame.
    """

    train: int = 150
    test: int = 40
    clips_train: int = 900
    clips_test: int = 100
    seconds: float = 4.0
    clip_seconds: float = 1.6
    height: int = 120
    width: int = 160
    rate: int = 15

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered."""
        if CLOCK.rate is None or self.rate % CLOCK.rate:
            raise ValueError(f"the rate must be a multiple of {CLOCK.rate}, not {self.rate}")
        if self.seconds < WINDOW:
            raise ValueError(f"videos of {self.seconds} s have no keyframe: at least {WINDOW} s")


def random_scene(
    subset: str, action_ids: tuple[tuple[int, ...], ...], rng: np.random.Generator
) -> str:
    """Any scene, whatever the subset and the actions are."""
    return list(SCENES)[rng.integers(len(SCENES))]


def scripts(subset: str, sizes: Sizes, seed: int, scene_of: SceneOf = random_scene) -> list[Script]:
    """What happens in the videos of a subset; the first ones are the same in a longer list.

    Args:
        subset: one of `SUBSETS`.
        sizes: how many, how long, how wide.
        seed: of everything; subsets have nothing in common.
        scene_of: chooses the place of a video.
    """
    index, clips = SUBSETS.index(subset), subset.startswith("clips_")
    casts = (solo_casts if clips else company_casts)(np.random.default_rng((seed, index)))
    plans = []
    for number, cast in enumerate(islice(casts, getattr(sizes, subset))):
        key = (seed, index, number)
        scene = scene_of(subset, cast.action_ids, stream(key, Stream.SCENE))
        if scene not in SCENES:
            raise ValueError(f"unknown scene {scene!r}; known: {', '.join(SCENES)}")
        seconds = sizes.clip_seconds if clips else sizes.seconds
        name, width = f"{subset}_{number:04d}", sizes.width / sizes.height
        plans.append(random_script(name, key, cast, scene, seconds, width))
    return plans


def write_video(path: Path, script: Script, sizes: Sizes) -> None:
    """Render a script into an H.264 file."""
    times = np.arange(round(script.seconds * sizes.rate)) / sizes.rate
    renderer = Renderer(script, sizes.height)
    with VideoWriter(path, renderer.height, renderer.width, sizes.rate, threads=1) as writer:
        for frame in renderer.frames(times):
            writer.write(frame)


def annotate(script: Script, sizes: Sizes) -> list[PersonBoxes]:
    """The people on each keyframe of a script, those with `WINDOW` around them."""
    renderer = Renderer(script, sizes.height)
    groups = []
    for tick in _ticks(script.seconds):
        boxes, indices = renderer.boxes(CLOCK.seconds(tick))
        groups.append(
            PersonBoxes(
                keyframe=Keyframe(script.video, tick),
                boxes=boxes,
                actions=tuple(script.actors[index].action_ids for index in indices),
                scores=np.ones(len(boxes)),
                person_ids=indices,
            )
        )
    return groups


def _ticks(seconds: float) -> range:
    """Ticks with half a `WINDOW` before and behind them in a video of `seconds`."""
    rate = CLOCK.rate or 0.0
    return range(math.ceil(rate * WINDOW / 2), math.floor(rate * (seconds - WINDOW / 2)) + 1)
