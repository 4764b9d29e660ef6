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
    """Return a separate random stream for each use, so that no use depends on another."""
    return np.random.default_rng((*seed, use))


@dataclass(frozen=True)
class Actor:
    """A person of a script.

    Attributes:
        look: The body and clothes.
        place: The position of the person in the middle of the video.
        height: The stature in frame heights.
        facing: The direction: 1 to the right, -1 to the left.
        body: The motion of the legs and the torso.
        arms: The motion of the arms, if they have one of their own.
        thing: The colour of the thing in the hands; None without a thing.
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
        """Return the 1-based ids of the person's actions."""
        motions = (self.body,) if self.arms is None else (self.body, self.arms)
        return tuple(IDS[motion.action] for motion in motions)

    def place_at(self, since_middle: float) -> Point:
        """Return the position of the person, `since_middle` seconds after the video's middle."""
        pace = self.body.speed * _PACE if self.body.cycle is Cycle.STRIDE else 0.0
        x, ground = self.place
        return x + self.facing * pace * since_middle, ground


@dataclass(frozen=True)
class Ball:
    """The ball of two people.

    Attributes:
        giver: The person who holds the ball at u = 0 of the flight.
        taker: The person who holds the ball at u = 1.
        flight: The motion of the giver.
        colour: The colour of the ball.
    """

    giver: Actor
    taker: Actor
    flight: Motion
    colour: Colour


@dataclass(frozen=True, eq=False)
class Camera:
    """A path of the camera: slow waves in x, y and log zoom, and the trembling of a hand.

    Attributes:
        offset: (3,) the mean of (x, y, log zoom).
        waves: (n, 3, 3) n waves in each of the three: amplitude, radians per second, phase.
    """

    offset: np.ndarray
    waves: np.ndarray

    def at(self, time: float, width: float) -> np.ndarray:
        """Return the (2, 3) similarity from the world to the frame, both in frame heights."""
        amplitude, frequency, phase = np.moveaxis(self.waves, -1, 0)
        x, y, zoom = self.offset + (amplitude * np.sin(frequency * time + phase)).sum(axis=0)
        middle, scale = np.array([width / 2, 0.5]), np.exp(zoom)
        shift = middle - scale * (middle + (x, y))
        return np.concatenate([scale * np.eye(2), shift[:, None]], axis=1)


@dataclass(frozen=True, eq=False)
class Light:
    """A tint (3,), and the flicker of the brightness: amplitude, radians per second, phase."""

    tint: np.ndarray
    flicker: tuple[float, float, float]

    def at(self, time: float) -> np.ndarray:
        """Return (3,) factors on RGB."""
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
    """The script of one video.

    Attributes:
        video: The name of the video.
        seed: The seed of the details of the scene.
        seconds: The length of the video.
        width: The width of the frame, in frame heights.
        scene: The kind of place.
        actors: The people, the farthest first; the position in the tuple is the person id.
        ball: The ball that two people throw, if any.
        camera: The camera.
        light: The light.
        foreground: The things in front of the people.
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
