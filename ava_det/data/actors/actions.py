"""The actions of the rendered people: cycles of poses, and ways to run through a cycle.

A single frame must not show the action, so no action has poses of its own. A *cycle* is a curve of
poses, u in [0, 1]. All actions of a cycle visit all its poses equally often, and differ in how u
moves: upwards, downwards, to and fro, fast or not at all. At a random instant u is uniform for
every action (tests check this), and an action reversed in time is another action.
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ava_det.data.actors.body import Pose
from ava_det.formats.class_map import ClassMap

SNAP = 0.1  # share of a one-way period in which u jumps back: one or two frames


class Cycle(Enum):
    """A curve of poses, such as a stride or a squat."""

    STRIDE = "the legs' swing of a gait; closed: u = 1 is u = 0"
    CROUCH = "from upright, u = 0, to squatting, u = 1"
    REACH = "both arms with a thing in the hands, from the thighs, u = 0, to overhead, u = 1"
    FLIGHT = "a ball from the hands of one person, u = 0, to those of another, u = 1"


class Drive(Enum):
    """How an action runs through a cycle."""

    STILL = 0
    UP = 1
    DOWN = -1
    TO_AND_FRO = 2


@dataclass(frozen=True)
class Action:
    """A class of the data set.

    Attributes:
        name: The name in the class map.
        group: "pose" (everybody has exactly one), "object" or "person", as in AVA.
        cycles: The cycles that the action may run through.
        drive: How the action runs through a cycle.
        period: The seconds of one run (up and down for `TO_AND_FRO`).
    """

    name: str
    group: str
    cycles: tuple[Cycle, ...]
    drive: Drive
    period: float = 1.0


FREEZE = Action("freeze", "pose", (Cycle.STRIDE, Cycle.CROUCH), Drive.STILL)
THROW = Action("throw to a person", "person", (Cycle.FLIGHT,), Drive.UP, 0.9)
CATCH = Action("catch from a person", "person", (Cycle.FLIGHT,), Drive.DOWN, 0.9)
PLAY = Action("play ball with a person", "person", (Cycle.FLIGHT,), Drive.TO_AND_FRO, 0.7)
ACTIONS = (
    FREEZE,
    Action("walk", "pose", (Cycle.STRIDE,), Drive.UP, 1.1),
    Action("walk backward", "pose", (Cycle.STRIDE,), Drive.DOWN, 1.1),
    Action("hurry", "pose", (Cycle.STRIDE,), Drive.UP, 0.5),
    Action("stand up", "pose", (Cycle.CROUCH,), Drive.DOWN, 1.2),
    Action("crouch down", "pose", (Cycle.CROUCH,), Drive.UP, 1.2),
    Action("bob", "pose", (Cycle.CROUCH,), Drive.TO_AND_FRO, 0.7),
    Action("hold", "object", (Cycle.REACH,), Drive.STILL),
    Action("lift", "object", (Cycle.REACH,), Drive.UP, 1.2),
    Action("put down", "object", (Cycle.REACH,), Drive.DOWN, 1.2),
    Action("wave", "object", (Cycle.REACH,), Drive.TO_AND_FRO, 0.7),
    THROW,
    CATCH,
    PLAY,
)  # an action's id is its position, from 1; the classes of one person come first
IDS = {action: index for index, action in enumerate(ACTIONS, start=1)}
SOLO_ACTIONS = tuple(action for action in ACTIONS if action.group != "person")


def class_map(actions: tuple[Action, ...] = ACTIONS) -> ClassMap:
    """Return the ids, names and groups of `actions`."""
    return ClassMap(
        names={IDS[action]: action.name for action in actions},
        groups={IDS[action]: action.group for action in actions},
    )


@dataclass(frozen=True)
class Motion:
    """An action as one person performs it.

    Attributes:
        action: The action.
        cycle: One of the action's cycles.
        phase: The place in the period where the video begins, in [0, 1).
        tempo: A factor on the speed; 1 is the action's period.
    """

    action: Action
    cycle: Cycle
    phase: float
    tempo: float

    @property
    def speed(self) -> float:
        """Return the runs through the cycle per second: negative downwards, 0 if directionless."""
        sign = {Drive.UP: 1, Drive.DOWN: -1}.get(self.action.drive, 0)
        return sign * self.tempo / self.action.period

    def at(self, time: float) -> float:
        """Return u in [0, 1] at `time` seconds."""
        run = (self.phase + time * self.tempo / self.action.period) % 1
        match self.action.drive:
            case Drive.STILL:
                return self.phase
            case Drive.TO_AND_FRO:
                return 1 - abs(2 * run - 1)
            case Drive.UP:
                return self._one_way(run)
            case Drive.DOWN:
                return 1 - self._one_way(run)

    def _one_way(self, run: float) -> float:
        """Return u from 0 to 1 during a period.

        A cycle that is not closed jumps back in the last `SNAP`.
        """
        if self.cycle is Cycle.STRIDE:
            return run
        return run / (1 - SNAP) if run < 1 - SNAP else (1 - run) / SNAP


def random_motion(action: Action, rng: np.random.Generator) -> Motion:
    """Start `action` at a random instant, up to an eighth slower or faster than the period."""
    cycle = action.cycles[rng.integers(len(action.cycles))]
    return Motion(action, cycle, phase=rng.random(), tempo=rng.uniform(0.88, 1.12))


def pose(body: Motion, arms: Motion | None, time: float) -> Pose:
    """Return the pose of a person whose legs follow `body` and whose arms follow `arms`, if any."""
    u = body.at(time)
    legs = _stride(u) if body.cycle is Cycle.STRIDE else _crouch(u)
    if arms is None:
        return legs
    reach = _reach(arms.at(time)) if arms.cycle is Cycle.REACH else _give(arms.at(time))
    shoulder, elbow = np.deg2rad(reach)
    return legs.with_arms((shoulder, shoulder + 0.12), (elbow, elbow))


def _stride(u: float) -> Pose:
    """Return the pose of a step of each leg; the knee bends while the thigh swings forward."""
    swing, lift = math.sin(2 * math.pi * u), math.cos(2 * math.pi * u)
    thigh, bend = math.radians(36), math.radians(75)
    arm = math.radians(38)
    return Pose(
        lean=math.radians(6),
        thighs=(thigh * swing, -thigh * swing),
        knees=(0.1 + bend * max(lift, 0.0), 0.1 + bend * max(-lift, 0.0)),
        shoulders=(-arm * swing, arm * swing),
        elbows=(0.5, 0.5),
    )


def _crouch(u: float) -> Pose:
    """Return the pose of a squat, `u` deep; the arms come forward for balance."""
    thigh, knee = math.radians(5 + 85 * u), math.radians(8 + 127 * u)
    arm = math.radians(10 + 40 * u)
    return Pose(
        lean=math.radians(2 + 30 * u),
        thighs=(thigh, thigh + 0.1),
        knees=(knee, knee + 0.1),
        shoulders=(arm, arm + 0.15),
        elbows=(0.3, 0.3),
    )


def _reach(u: float) -> tuple[float, float]:
    """Return the angles (shoulder, elbow) in degrees; the hand is lifted from u = 0 to u = 1."""
    return 20 + 145 * u, 15.0


def _give(u: float) -> tuple[float, float]:
    """Return the angles (shoulder, elbow) in degrees: u = 0 is outstretched, u = 1 is bent."""
    return 85 - 55 * u, 10 + 80 * u
