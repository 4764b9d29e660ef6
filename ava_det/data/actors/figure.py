"""The look of a rendered person: the coloured shapes of a body in a pose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ava_det.data.actors.body import Build, Pose, capsules, joints

Colour = tuple[int, int, int]  # RGB
Point = np.ndarray | tuple[float, float]
# One capsule: the two ends, the radii at the ends, the colour.
Row = tuple[np.ndarray, np.ndarray, tuple[float, float], Sequence[float]]

SKINS = ((255, 219, 185), (241, 194, 150), (205, 150, 105), (150, 100, 65), (95, 60, 40))
HAIRS = (
    (25, 20, 18),
    (80, 50, 25),
    (160, 110, 50),
    (220, 190, 120),
    (150, 60, 30),
    (170, 170, 170),
)
_FAR = 0.7  # how much darker the far limbs are
_LIGHT = np.array([-0.22, -0.3])  # where a lit patch lies within a limb, in radii


@dataclass(frozen=True)
class Look:
    """A person's body and clothes; colours are RGB."""

    build: Build
    skin: Colour
    hair: Colour
    shirt: Colour
    trim: Colour
    trousers: Colour
    shoes: Colour
    stripes: int
    long_sleeves: bool
    shorts: bool
    long_hair: bool
    cap: bool


def random_look(rng: np.random.Generator) -> Look:
    """Draw a random person."""
    build = Build(
        head=rng.uniform(0.075, 0.1),
        torso=rng.uniform(0.27, 0.32),
        arm=rng.uniform(0.16, 0.19),
        leg=rng.uniform(0.22, 0.27),
        girth=rng.uniform(0.9, 1.35),
    )
    shirt, trim, trousers, shoes = (_cloth(rng) for _ in range(4))
    return Look(
        build=build,
        skin=SKINS[rng.integers(len(SKINS))],
        hair=HAIRS[rng.integers(len(HAIRS))],
        shirt=shirt,
        trim=trim,
        trousers=trousers,
        shoes=shoes,
        stripes=int(rng.choice((0, 0, 1, 3, 4))),
        long_sleeves=bool(rng.random() < 0.5),
        shorts=bool(rng.random() < 0.3),
        long_hair=bool(rng.random() < 0.4),
        cap=bool(rng.random() < 0.2),
    )


def _cloth(rng: np.random.Generator) -> Colour:
    """Draw a random colour, more often saturated than not."""
    colour = rng.integers(20, 245, 3)
    colour[rng.integers(3)] = rng.integers(10, 60)
    red, green, blue = colour.tolist()
    return red, green, blue


@dataclass(frozen=True)
class Shapes:
    """M capsules, in the order in which they are painted.

    Attributes:
        starts, ends: (M, 2) centres of the two ends.
        radii: (M, 2) radii at the two ends.
        colours: (M, 3) RGB.
    """

    starts: np.ndarray
    ends: np.ndarray
    radii: np.ndarray
    colours: np.ndarray

    def outlines(self, transform: np.ndarray) -> np.ndarray:
        """Return (M, 14, 2) convex polygons after a similarity `transform` (2, 3)."""
        scale = np.hypot(*transform[:, 0])
        starts, ends = (p @ transform[:, :2].T + transform[:, 2] for p in (self.starts, self.ends))
        return capsules(starts, ends, self.radii * scale)


def _shapes(rows: list[Row]) -> Shapes:
    starts, ends, radii, colours = (
        np.array(column, np.float64) for column in zip(*rows, strict=True)
    )
    return Shapes(starts, ends, radii, colours)


def figure(look: Look, pose: Pose) -> tuple[Shapes, Shapes]:
    """Return the shapes of a person of stature 1 with soles on y = 0, who looks along +x.

    Returns:
        (behind, front): the body without the near arm, and the near arm. A thing in the hands is
        drawn between the two.
    """
    at = joints(look.build, pose)
    girth = look.build.girth / look.build.stature
    sleeve = look.shirt if look.long_sleeves else look.skin
    shin = look.skin if look.shorts else look.trousers

    def arm(side: str, shade: float) -> list[Row]:
        shoulder, elbow, hand = (at[f"{joint}_{side}"] for joint in ("shoulder", "elbow", "hand"))
        return [
            *_limb(shoulder, elbow, (0.042, 0.036), girth, look.shirt, shade),
            *_limb(elbow, hand, (0.036, 0.03), girth, sleeve, shade),
            *_limb(hand, hand, (0.036, 0.036), girth, look.skin, shade),
        ]

    def leg(side: str, shade: float) -> list[Row]:
        hip, knee, ankle, toe = (at[f"{joint}_{side}"] for joint in ("hip", "knee", "ankle", "toe"))
        return [
            *_limb(ankle, toe, (0.032, 0.026), girth, look.shoes, shade),
            *_limb(knee, ankle, (0.046, 0.032), girth, shin, shade),
            *_limb(hip, knee, (0.064, 0.05), girth, look.trousers, shade),
        ]

    behind = [*arm("far", _FAR), *leg("far", _FAR), *leg("near", 1.0)]
    behind += [*_torso(at, look, girth), *_head(at, look)]
    return _shapes(behind), _shapes(arm("near", 1.0))


def _limb(
    start: np.ndarray,
    end: np.ndarray,
    radii: tuple[float, float],
    girth: float,
    colour: Colour,
    shade: float = 1.0,
) -> list[Row]:
    """Return a dark capsule with a lit patch."""
    wide, narrow = radii[0] * girth, radii[1] * girth
    lit = _LIGHT * (wide + narrow) / 4
    tone = [shade * channel for channel in colour]
    dark = [0.55 * channel for channel in tone]
    patch = (start + lit, end + lit, (0.72 * wide, 0.72 * narrow), tone)
    return [(start, end, (wide, narrow), dark), patch]


def _torso(at: dict[str, np.ndarray], look: Look, girth: float) -> list[Row]:
    """Hips and chest, with the stripes of the shirt."""
    hip, neck = at["hip"], at["neck"]
    rows = _limb(hip, hip, (0.078, 0.078), girth, look.trousers)
    chest = neck + 0.17 * (hip - neck)
    rows += _limb(chest, hip + 0.12 * (neck - hip), (0.088, 0.074), girth, look.shirt)
    along = (neck - hip) / np.linalg.norm(neck - hip)
    across = np.array([-along[1], along[0]]) * 0.05 * girth
    for part in np.linspace(0.25, 0.8, look.stripes):
        middle = hip + part * (neck - hip)
        rows.append((middle - across, middle + across, (0.013 * girth, 0.013 * girth), look.trim))
    return rows


def _head(at: dict[str, np.ndarray], look: Look) -> list[Row]:
    """Neck, hair, face, nose, eye and perhaps a cap with the peak forward."""
    head, size = at["head"], look.build.head / look.build.stature
    up = (head - at["neck"]) / np.linalg.norm(head - at["neck"])
    ahead = np.array([-up[1], up[0]])
    rows = _limb(at["neck"], head, (0.035, 0.035), 1.0, look.skin)
    if look.long_hair:
        nape = head - 0.55 * size * ahead
        rows += _limb(nape, nape - 1.5 * size * up, (0.6 * size, 0.45 * size), 1.0, look.hair)
    rows += _limb(head, head, (size, size), 1.0, look.skin)
    nose = head + 0.95 * size * ahead - 0.1 * size * up
    rows += _limb(nose, nose + 0.1 * size * ahead, (0.25 * size, 0.2 * size), 1.0, look.skin)
    eye = head + 0.5 * size * ahead + 0.15 * size * up
    rows.append((eye, eye, (0.15 * size, 0.15 * size), (20, 20, 20)))
    back, top = head - 0.55 * size * ahead, head + 0.6 * size * up
    rows += _limb(back, top - 0.1 * size * ahead, (0.6 * size, 0.5 * size), 1.0, look.hair)
    if look.cap:
        rear, front = top - 0.45 * size * ahead, top + 0.4 * size * ahead
        rows += _limb(rear, front, (0.5 * size, 0.45 * size), 1.0, look.trim)
        rows += _limb(top, top + 1.25 * size * ahead, (0.15 * size, 0.12 * size), 1.0, look.trim)
    return rows


def solid(start: Point, end: Point, radius: float, colour: Colour) -> Shapes:
    """Return a thick bar, or a ball if it ends where it starts."""
    return _shapes(_limb(np.array(start), np.array(end), (radius, radius), 1.0, colour))
