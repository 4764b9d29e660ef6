"""Makes scripts from a seed, and video files and AVA rows from scripts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ava_det.data.actors.actions import SOLO_ACTIONS
from ava_det.data.actors.casting import company_casts, random_script, solo_casts
from ava_det.data.actors.render import Renderer
from ava_det.data.actors.scenes import SCENES
from ava_det.data.actors.script import Script, Stream, stream
from ava_det.formats.nearest import meant
from ava_det.structures import Clock, Keyframe, PersonBoxes
from ava_det.video.writer import VideoWriter

CLOCK = Clock(rate=3.0)
WINDOW = 1.5  # seconds around a keyframe that lie within the video
SUBSETS = ("train", "test", "clips_train", "clips_test", "swapped", "clips_swapped")
TWINS = {"swapped": "test", "clips_swapped": "clips_test"}  # the same people at other places

# From the subset, the action ids of each person and a random stream: a key of `SCENES`.
SceneOf = Callable[[str, tuple[tuple[int, ...], ...], np.random.Generator], str]


@dataclass(frozen=True)
class Sizes:
    """The number and the size of the videos to render.

    Attributes:
        train: The number of training videos of the detection set.
        test: The number of test videos of the detection set.
        clips_train: The number of training videos of the classification set.
        clips_test: The number of test videos of the classification set.
        swapped: The number of videos of `test` to render again, each at the place of another
            action.
        clips_swapped: The number of videos of `clips_test` to render again, each at the place of
            another action.
        seconds: The length of a video of the detection set.
        clip_seconds: The length of a video of the classification set.
        height: The height of the frames in pixels.
        width: The width of the frames in pixels.
        rate: Frames per second, a multiple of `CLOCK`'s rate so that a keyframe is a frame.
    """

    train: int = 150
    test: int = 40
    clips_train: int = 900
    clips_test: int = 100
    swapped: int = 0
    clips_swapped: int = 0
    seconds: float = 4.0
    clip_seconds: float = 1.6
    height: int = 120
    width: int = 160
    rate: int = 15

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be rendered."""
        if CLOCK.rate is None or self.rate % CLOCK.rate:
            raise ValueError(f"the rate must be a multiple of {CLOCK.rate}, not {self.rate}")
        if self.seconds < WINDOW:
            raise ValueError(f"videos of {self.seconds} s have no keyframe: at least {WINDOW} s")
        for twin, subset in TWINS.items():
            if getattr(self, twin) > getattr(self, subset):
                raise ValueError(f"{twin} has no more videos than {subset}")


def any_place(
    subset: str, action_ids: tuple[tuple[int, ...], ...], rng: np.random.Generator
) -> str:
    """Choose a place at random, independent of the actions. A `SceneOf`."""
    return list(SCENES)[rng.integers(len(SCENES))]


@dataclass(frozen=True)
class SceneBias:
    """Chooses places that go with actions in training, but not in testing. A `SceneOf`.

    In training, the place depends on the action of the first person. The bias changes the place and
    nothing else. Every action has a place. Videos of one person use only these places, since
    another place could not occur in the swapped sets.

    The action of the first person decides. The bias changes the place and nothing else. Every
    action has a place. Videos of one person use these places only: a place of no action could not
    occur in the swapped sets.

    Attributes:
        bias: The share of the training videos at the place of the action; the others are at a
            random place. `test` videos are at any place, and `swapped` videos at the place of
            another action.
    """

    bias: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a bias outside [0, 1]."""
        if not 0 <= self.bias <= 1:
            raise ValueError(f"a scene bias of {self.bias} is not in [0, 1]")

    def __call__(
        self, subset: str, action_ids: tuple[tuple[int, ...], ...], rng: np.random.Generator
    ) -> str:
        """Return the place of a video of `subset` with people who do `action_ids`."""
        scenes = places(subset)
        # Drawn always, so that the bias changes no later draw.
        anywhere = int(rng.integers(len(scenes)))
        own = (action_ids[0][-1] - 1) % len(scenes)
        if subset in TWINS:
            return scenes[(own + 1 + int(rng.integers(len(scenes) - 1))) % len(scenes)]
        if subset.endswith("train") and rng.random() < self.bias:
            return scenes[own]
        return scenes[anywhere]


def places(subset: str) -> list[str]:
    """Return the kinds of places of a subset with a `SceneBias`. Clips have one for each action."""
    return list(SCENES)[: len(SOLO_ACTIONS) if subset.startswith("clips_") else None]


def scene_rule(sizes: Sizes, bias: float | None = None) -> SceneOf:
    """Choose the rule for the places of a folder.

    A folder with a bias or with swapped sets is for an experiment with places and uses `SceneBias`,
    also with a bias of 0. Other folders use `any_place`.
    """
    if bias is None and not any(getattr(sizes, twin) for twin in TWINS):
        return any_place
    return SceneBias(bias or 0.0)


def scripts(subset: str, sizes: Sizes, seed: int, scene_of: SceneOf | None = None) -> list[Script]:
    """Return the scripts of a subset. A longer list starts with the same scripts.

    Args:
        subset: One of `SUBSETS`.
        sizes: The number and the size of the videos.
        seed: The seed of all draws. Subsets share nothing. Only the swapped subsets have everything
            but the place in common with their originals.
        scene_of: Chooses the place of a video; None takes `scene_rule`.
    """
    scene_of = scene_of or scene_rule(sizes)
    index, clips = SUBSETS.index(TWINS.get(subset, subset)), subset.startswith("clips_")
    casts = (solo_casts if clips else company_casts)(np.random.default_rng((seed, index)))
    plans = []
    for number, cast in enumerate(islice(casts, getattr(sizes, subset))):
        key = (seed, index, number)
        scene = scene_of(subset, cast.action_ids, stream(key, Stream.SCENE))
        if scene not in SCENES:
            raise ValueError(
                f"unknown scene {scene!r}; known: {', '.join(SCENES)}{meant(scene, SCENES)}"
            )
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
    """Return the people on each keyframe of a script that has `WINDOW` seconds around it."""
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
    """Return the ticks that have half a `WINDOW` before and after them in a video of `seconds`."""
    rate = CLOCK.rate or 0.0
    return range(math.ceil(rate * WINDOW / 2), math.floor(rate * (seconds - WINDOW / 2)) + 1)
