"""Draws scripts at random: first the actions, then the people, the place, the camera and the light.

The actions are dealt out like cards, so that all are about equally frequent. The people, the camera
and the light have random streams of their own, which do not depend on the scene.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ava_det.data.actors.actions import (
    ACTIONS,
    CATCH,
    FREEZE,
    IDS,
    PLAY,
    THROW,
    Action,
    Motion,
    random_motion,
)
from ava_det.data.actors.figure import Colour, random_look
from ava_det.data.actors.script import (
    Actor,
    Ball,
    Bar,
    Camera,
    Light,
    Point,
    Script,
    Seed,
    Stream,
    stream,
)

T = TypeVar("T")
_POSES = tuple(action for action in ACTIONS if action.group == "pose")
_OBJECTS = tuple(action for action in ACTIONS if action.group == "object")
_BRIGHT = (
    (250, 60, 40),
    (255, 215, 0),
    (40, 220, 240),
    (240, 60, 220),
    (250, 250, 250),
    (120, 240, 60),
)


@dataclass(frozen=True)
class Cast:
    """The actions of a video.

    Attributes:
        people: The actions (body, arms or None) of each person without a ball.
        bodies: The body actions of the two people with a ball, or empty.
        ball: The ball action of the first of these two people.
    """

    people: tuple[tuple[Action, Action | None], ...]
    bodies: tuple[Action, ...] = ()
    ball: Action = THROW

    @property
    def action_ids(self) -> tuple[tuple[int, ...], ...]:
        """Return the 1-based action ids of each person; the people with the ball come last."""
        hands = (self.ball, CATCH if self.ball is THROW else self.ball)
        everybody = (*self.people, *zip(self.bodies, hands, strict=False))
        return tuple(tuple(IDS[part] for part in person if part) for person in everybody)


def company_casts(rng: np.random.Generator) -> Iterator[Cast]:
    """Yield casts without end, of one to three people, all actions about equally often."""
    bodies, arms = _shuffled(_POSES, rng), _shuffled((*_OBJECTS, None), rng)
    balls = _shuffled((THROW, THROW, PLAY), rng)
    companies = ((1, 0), (2, 0), (2, 0), (3, 0), (0, 2), (0, 2), (1, 2))  # alone, with the ball
    for alone, together in _shuffled(companies, rng):
        people = tuple((next(bodies), next(arms)) for _ in range(alone))
        yield Cast(people, tuple(next(bodies) for _ in range(together)), next(balls))


def solo_casts(rng: np.random.Generator) -> Iterator[Cast]:
    """Yield casts without end, of one person with one label; an arm action has still legs."""
    for action in _shuffled((*_POSES, *_OBJECTS), rng):
        yield Cast(((FREEZE, action) if action in _OBJECTS else (action, None),))


def _shuffled(items: tuple[T, ...], rng: np.random.Generator) -> Iterator[T]:
    """Yield all `items` in random order, again and again."""
    while True:
        yield from (items[index] for index in rng.permutation(len(items)))


def random_script(
    video: str, seed: Seed, cast: Cast, scene: str, seconds: float, width: float
) -> Script:
    """Draw a video of `cast` at `scene`; all other choices depend on `seed`.

    Args:
        video: The name of the video.
        seed: The seed of the people, the camera, the light, the foreground and the details of the
            scene. Each of these has a stream of its own.
        cast: The actions.
        scene: A kind of place. Nothing else depends on it.
        seconds: The length of the video.
        width: The width of the frame, in frame heights.
    """
    actors, ball = _company(cast, width, stream(seed, Stream.PEOPLE))
    return Script(
        video=video,
        seed=seed,
        seconds=seconds,
        width=width,
        scene=scene,
        actors=actors,
        ball=ball,
        camera=_camera(stream(seed, Stream.CAMERA)),
        light=_light(stream(seed, Stream.LIGHT)),
        foreground=_foreground(width, stream(seed, Stream.FOREGROUND)),
    )


def _company(
    cast: Cast, width: float, rng: np.random.Generator
) -> tuple[tuple[Actor, ...], Ball | None]:
    """Place the people of `cast` side by side, the farthest first, and give them their ball."""
    count = len(cast.people) + len(cast.bodies)
    low, high = {1: (0.64, 0.84), 2: (0.52, 0.74), 3: (0.46, 0.6)}[count]
    columns = (np.arange(count) + 0.5) / count * width + rng.uniform(-0.05, 0.05, count)
    columns = columns[:: int(rng.choice((-1, 1)))]  # the two with the ball are the last two
    actors = []
    for column, (body, arms) in zip(columns, cast.people, strict=False):
        actor = _actor(body, (column, rng.uniform(0.84, 0.96)), rng.uniform(low, high), rng)
        if arms is not None:
            actor = replace(actor, arms=random_motion(arms, rng), thing=_bright(rng))
        actors.append(actor)
    if not cast.bodies:
        return _farthest_first(actors), None
    flight = random_motion(cast.ball, rng)
    pair = _pair(cast, flight, columns[-2:], rng.uniform(0.94, 1.06) * low, rng)
    return _farthest_first([*actors, *pair]), Ball(*pair, flight, _bright(rng))


def _pair(
    cast: Cast, flight: Motion, columns: np.ndarray, height: float, rng: np.random.Generator
) -> tuple[Actor, Actor]:
    """Return two people with a ball, face to face, a little farther apart than `columns`."""
    outward = np.sign(columns - columns[::-1]).astype(int)
    ground = rng.uniform(0.84, 0.94)
    giver, taker = (
        replace(
            _actor(body, (x + 0.05 * side, ground), height * rng.uniform(0.92, 1.08), rng),
            facing=-int(side),
            arms=motion,
        )
        for body, x, side, motion in zip(
            cast.bodies, columns, outward, (flight, _of_partner(flight)), strict=True
        )
    )
    return giver, taker


def _of_partner(flight: Motion) -> Motion:
    """Return the motion of the partner of somebody who throws or plays: u becomes 1 - u."""
    if flight.action is PLAY:
        return replace(flight, phase=flight.phase + 0.5)
    return replace(flight, action=CATCH)


def _farthest_first(actors: list[Actor]) -> tuple[Actor, ...]:
    return tuple(sorted(actors, key=lambda actor: actor.place[1]))


def _actor(body: Action, place: Point, height: float, rng: np.random.Generator) -> Actor:
    """Return a person with free arms, who looks to either side."""
    facing = int(rng.choice((-1, 1)))
    return Actor(random_look(rng), place, height, facing, random_motion(body, rng))


def _bright(rng: np.random.Generator) -> Colour:
    return _BRIGHT[rng.integers(len(_BRIGHT))]


def _camera(rng: np.random.Generator) -> Camera:
    """Draw a hand-held camera that pans and zooms a little, more slowly than people move."""
    sway = np.array([0.05, 0.015, 0.03]) * rng.random(3)
    tremble = np.array([0.002, 0.002, 0.001]) * rng.random(3)
    waves = [
        np.stack([size, 2 * np.pi * rng.uniform(*hertz, 3), 2 * np.pi * rng.random(3)], axis=-1)
        for size, hertz in ((sway, (0.05, 0.2)), (tremble, (0.8, 1.8)))
    ]
    return Camera(offset=rng.normal(0, (0.03, 0.02, 0.03)), waves=np.stack(waves))


def _light(rng: np.random.Generator) -> Light:
    """Draw a light from dusk to noon, warm or cold, and not quite steady."""
    tint = rng.uniform(0.7, 1.15) * (1 + rng.normal(0, 0.05, 3))
    flicker = rng.uniform(0, 0.1), 2 * np.pi * rng.uniform(0.1, 0.6), 2 * np.pi * rng.random()
    return Light(tint, flicker)


def _foreground(width: float, rng: np.random.Generator) -> tuple[Bar, ...]:
    """Draw the foreground: mostly nothing, sometimes a post or a low wall."""
    kind, x = rng.random(), rng.uniform(0, width)
    red, green, blue = rng.integers(20, 160, 3).tolist()
    if kind < 0.08:
        foot = (x + rng.normal(0, 0.05), 1.3)
        return (Bar((x, -0.3), foot, rng.uniform(0.015, 0.035), (red, green, blue)),)
    if kind < 0.16:
        return (Bar((x - 0.3, 1.0), (x + 0.3, 1.0), rng.uniform(0.05, 0.1), (red, green, blue)),)
    return ()
