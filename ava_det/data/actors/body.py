"""The articulated body: proportions, poses and the shapes in the picture.

Coordinates of a body: x forward, y down, soles on y = 0, stature 1. Angles are radians.
"""

from dataclasses import dataclass, replace

import numpy as np

_HALF_TURN = np.linspace(-np.pi / 2, np.pi / 2, 7)


@dataclass(frozen=True)
class Pose:
    """The angles of the joints. Pairs are (near side, far side).

    Attributes:
        lean: The lean of the torso, forward from upright.
        thighs: The thighs, forward from straight down.
        knees: The flexion of the knees: the shin backwards from the thigh's line.
        shoulders: The upper arms, forward from hanging down.
        elbows: The flexion of the elbows: the forearm forwards from the upper arm's line.
    """

    lean: float
    thighs: tuple[float, float]
    knees: tuple[float, float]
    shoulders: tuple[float, float]
    elbows: tuple[float, float]

    def with_arms(self, shoulders: tuple[float, float], elbows: tuple[float, float]) -> "Pose":
        """Return a pose with the same legs and torso but other arms."""
        return replace(self, shoulders=shoulders, elbows=elbows)


@dataclass(frozen=True)
class Build:
    """The proportions of a body. Lengths are shares of a stature of about 1.

    Attributes:
        head: The radius of the head.
        torso: The length from the hips to the neck.
        arm: The length of the upper arm. The forearm is a little shorter.
        leg: The length of the thigh. The shin is a little shorter.
        girth: A factor on all thicknesses.
    """

    head: float
    torso: float
    arm: float
    leg: float
    girth: float

    @property
    def stature(self) -> float:
        """Return the height of the upright body, in the unit of the lengths."""
        return 2 * self.head + 0.03 + self.torso + 1.95 * self.leg + 0.03


def joints(build: Build, pose: Pose) -> dict[str, np.ndarray]:
    """Return the positions (2,) of the joints by name, for a body of stature 1 on y = 0.

    The names of pairs end in `_near` and `_far`. The picture is a slight three-quarter view:
    the far shoulder and hip lie a little ahead of the near ones.
    """
    at = {"hip": np.zeros(2), "neck": build.torso * _up(pose.lean)}
    at["head"] = at["neck"] + (build.head + 0.03) * _up(0.6 * pose.lean)
    for index, side in enumerate(("near", "far")):
        ahead = np.array([(-0.03, 0.04)[index] * build.girth, 0.0])
        hip = at[f"hip_{side}"] = 0.5 * ahead
        knee = at[f"knee_{side}"] = hip + build.leg * _down(pose.thighs[index])
        shin = pose.thighs[index] - pose.knees[index]
        ankle = at[f"ankle_{side}"] = knee + 0.95 * build.leg * _down(shin)
        at[f"toe_{side}"] = ankle + 0.1 * _down(np.pi / 2 + 0.6 * min(shin, 0.0))
        shoulder = at[f"shoulder_{side}"] = at["neck"] + ahead + 0.04 * _down(-pose.lean)
        elbow = at[f"elbow_{side}"] = shoulder + build.arm * _down(pose.shoulders[index])
        forearm = pose.shoulders[index] + pose.elbows[index]
        at[f"hand_{side}"] = elbow + 0.95 * build.arm * _down(forearm)
    sole = max(at[f"{joint}_{side}"][1] for joint in ("ankle", "toe") for side in ("near", "far"))
    ground = np.array([0.0, sole + 0.03])
    return {name: (point - ground) / build.stature for name, point in at.items()}


def _down(angle: float) -> np.ndarray:
    """Return the unit vector at `angle` forward from straight down."""
    return np.array([np.sin(angle), np.cos(angle)])


def _up(angle: float) -> np.ndarray:
    """Return the unit vector at `angle` forward from straight up."""
    return np.array([np.sin(angle), -np.cos(angle)])


def capsules(starts: np.ndarray, ends: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the outlines of tapered capsules, which are limbs with round ends.

    Args:
        starts, ends: (M, 2) centres of the two ends.
        radii: (M, 2) radii at the two ends.

    Returns:
        (M, 14, 2) convex polygons. For the tapers used here they are nearly the hull of the two
        discs.
    """
    along = ends - starts
    heading = np.arctan2(along[:, 1], along[:, 0])[:, None]
    caps = [
        centres[:, None] + radius[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        for centres, radius, turn in (
            (ends, radii[:, 1], heading + _HALF_TURN),
            (starts, radii[:, 0], heading + np.pi + _HALF_TURN),
        )
    ]
    return np.concatenate(caps, axis=1)
