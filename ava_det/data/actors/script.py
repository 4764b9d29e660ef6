"""The script of a video: the people, their places and actions, the camera and the light.

A script is plain data. The rendered video depends on the script alone.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ava_det.data.actors.actions import IDS, Cycle, Motion
from ava_det.data.actors.figure import Colour, Look

Seed = tuple[int, int, int]  # of the whole, which subset, which video
Point = tuple[float, float]  # (x, y) in the world: in frame heights, y down
_PACE = 0.03  # frame heights that a gait covers in a cycle; more would take people out of sight


class Stream(IntEnum):
    """The uses of random streams of a video. They start at 1: numpy seeds (s,) and (s, 0) alike."""

    PEOPLE = 1
    CAMERA = 2
    LIGHT = 3
    FOREGROUND = 4
    SCENE = 5
    BACKDROP = 6


def stream(seed: Seed, use: Stream) -> np.random.Generator:
    """A separate random stream for each use, so that no use depends on another."""
    return np.random.default_rng((*seed, use))


@dataclass(frozen=True)
class Actor:
    """A person.

    Attributes:
        look: body and clothes.
        place: the position of the person in the middle of the video.
        height: stature in frame heights.
        facing: 1 to the right, -1 to the left.
        body: the motion of the legs and the torso.
        arms: the motion of the arms, if they have one of their own.
        thing: colour of the thing in the hands; None without one.
    """

    look: Look
    place: Point
    height: float
    facing: int
    body: Motion
    arms: Motion | None = None
    thing: Colour | None = None

    @property
    def action_ids(self) -> tuple[int, ...]:
        """1-based ids of the person's actions."""
        motions = (self.body,) if self.arms is None else (self.body, self.arms)
        return tuple(IDS[motion.action] for motion in motions)

    def place_at(self, since_middle: float) -> Point:
        """The position of the person `since_middle` seconds after the middle of the video."""
        pace = self.body.speed * _PACE if self.body.cycle is Cycle.STRIDE else 0.0
        x, ground = self.place
        return x + self.facing * pace * since_middle, ground


@dataclass(frozen=True)
class Ball:
    """The ball of two people.

    Attributes:
        giver: the person who holds the ball at u = 0 of the flight.
        taker: the person who holds the ball at u = 1.
        flight: the motion of the giver.
        colour: colour of the ball.
    """

    giver: Actor
    taker: Actor
    flight: Motion
    colour: Colour


@dataclass(frozen=True, eq=False)
class Camera:
    """A path of the camera: slow waves in x, y and log zoom, and the tremble of a hand.

    Attributes:
        offset: (3,) the mean of (x, y, log zoom).
        waves: (n, 3, 3) n waves in each of the three: amplitude, radians a second, phase.
    """

    offset: np.ndarray
    waves: np.ndarray

    def at(self, time: float, width: float) -> np.ndarray:
        """(2, 3) similarity from the world to the frame, both in frame heights."""
        amplitude, frequency, phase = np.moveaxis(self.waves, -1, 0)
        x, y, zoom = self.offset + (amplitude * np.sin(frequency * time + phase)).sum(axis=0)
        middle, scale = np.array([width / 2, 0.5]), np.exp(zoom)
        shift = middle - scale * (middle + (x, y))
        return np.concatenate([scale * np.eye(2), shift[:, None]], axis=1)


@dataclass(frozen=True, eq=False)
class Light:
    """A tint (3,), and the flicker of the brightness: amplitude, radians a second, phase."""

    tint: np.ndarray
    flicker: tuple[float, float, float]

    def at(self, time: float) -> np.ndarray:
        """(3,) factors on RGB."""
        amplitude, frequency, phase = self.flicker
        return self.tint * (1 + amplitude * np.sin(frequency * time + phase))


@dataclass(frozen=True)
class Bar:
    """A thing in the foreground: a bar from `start` to `end`."""

    start: Point
    end: Point
    radius: float
    colour: Colour


@dataclass(frozen=True)
class Script:
    """One video.

    Attributes:
        video: the name of the video.
        seed: the seed of the details of the scene.
        seconds: the length of the video.
        width: the width of the frame, in frame heights.
        scene: a kind of place.
        actors: the people, the farthest first; the position in the tuple is the person id.
        ball: the ball that two people throw, if any.
        camera: the camera.
        light: the light.
        foreground: things in front of the people.
    """

    video: str
    seed: Seed
    seconds: float
    width: float
    scene: str
    actors: tuple[Actor, ...]
    ball: Ball | None
    camera: Camera
    light: Light
    foreground: tuple[Bar, ...]
