"""Draws the places: a random background for each video, of a dozen recognisable kinds.

World coordinates: x right, y down, both in frame heights; the frame is [0, width] x [0, 1] when the
camera stands still. A backdrop covers `MARGIN` more on all sides, for the camera to move in.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ava_det.data.actors.textures import (
    Texture,
    bricks,
    checks,
    fade,
    grain,
    noise,
    planks,
    stripes,
)

MARGIN = 0.25
Colour = tuple[int, int, int]  # RGB

Prop = Callable[[np.ndarray, int, np.random.Generator], None]  # draws on a backdrop; horizon's row


def _trees(picture: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    size = picture.shape[0]
    for x in rng.uniform(0, picture.shape[1], rng.integers(3, 7)):
        top = horizon - int(size * rng.uniform(0.15, 0.3))
        trunk = (int(x), horizon + int(0.03 * size))
        cv2.line(picture, trunk, (int(x), top), (84, 60, 40), int(size * 0.02))
        for _ in range(6):
            dx, dy = rng.normal(0, 0.045 * size, 2)
            green = rng.integers((20, 80, 20), (70, 140, 60)).tolist()
            cv2.circle(picture, (int(x + dx), int(top + dy)), int(size * 0.05), green, -1)


def _windows(picture: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    size = picture.shape[0]
    width, height = int(size * rng.uniform(0.08, 0.15)), int(size * rng.uniform(0.1, 0.2))
    glass, frame = rng.integers(120, 235, 3).tolist(), (60, 50, 45)
    top = max(int(horizon - size * rng.uniform(0.3, 0.4)), 2)
    for x in range(int(rng.integers(5, 40)), picture.shape[1], int(width * rng.uniform(1.5, 2.5))):
        corner, middle = (x + width, top + height), x + width // 2
        cv2.rectangle(picture, (x, top), corner, frame, 6)
        cv2.rectangle(picture, (x, top), corner, glass, -1)
        cv2.line(picture, (middle, top), (middle, top + height), frame, 2)


def _boxes(picture: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    size = picture.shape[0]
    for x in rng.uniform(0, picture.shape[1], rng.integers(2, 6)):
        width, height = (size * rng.uniform(0.06, 0.2, 2)).astype(int)
        foot = horizon + int(size * rng.uniform(0.0, 0.08))
        colour = rng.integers(40, 220, 3)
        left, top = int(x), foot - height
        cv2.rectangle(picture, (left, top), (left + width, foot), colour.tolist(), -1)
        lid = np.array([(0, 0), (10, -8), (width + 10, -8), (width, 0)]) + (left, top)
        cv2.fillConvexPoly(picture, lid, np.minimum(colour + 40, 255).tolist())
        cv2.rectangle(picture, (left, top), (left + width, foot), (colour // 2).tolist(), 1)


def _posts(picture: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    size = picture.shape[0]
    colour = rng.integers(30, 230, 3).tolist()
    thick, pitch = int(size * rng.uniform(0.01, 0.03)) + 1, int(size * rng.uniform(0.1, 0.3))
    top = horizon - int(size * rng.uniform(0.1, 0.35))
    for x in range(int(rng.integers(pitch)), picture.shape[1], pitch):
        cv2.rectangle(picture, (x, top), (x + thick, horizon + 6), colour, -1)
    for y in (top + 4, (top + horizon) // 2):
        cv2.line(picture, (0, y), (picture.shape[1], y), colour, max(thick // 2, 1))


def _hills(picture: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    x = np.arange(0, width + 8, 8)
    for depth in (0.16, 0.08):
        wave = np.sin(x / rng.uniform(25, 60) + 6 * rng.random())
        ridge = horizon - height * depth * (0.6 + 0.4 * wave)
        outline = np.stack([x, ridge], axis=1)
        outline = np.concatenate([outline, [(width + 8, horizon), (0, horizon)]]).astype(np.int32)
        cv2.fillPoly(picture, [outline], rng.integers(60, 170, 3).tolist())


def _shelves(picture: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    size, width = picture.shape[:2]
    for y in range(horizon - int(0.05 * size), 0, -int(size * 0.13)):
        x = 0
        while x < width:
            book, tall = int(rng.integers(5, 14)), int(size * rng.uniform(0.06, 0.11))
            colour = rng.integers(30, 230, 3).tolist()
            cv2.rectangle(picture, (x, y - tall), (x + book - 1, y), colour, -1)
            x += book
        cv2.line(picture, (0, y), (width, y), (70, 45, 25), 4)


@dataclass(frozen=True)
class Scene:
    """A kind of place: the wall (or sky), the floor and the things in it."""

    wall: tuple[Texture, Colour, Colour]
    floor: tuple[Texture, Colour, Colour]
    props: tuple[Prop, ...]


SCENES: dict[str, Scene] = {
    "park": Scene(
        (fade, (120, 170, 230), (215, 230, 245)),
        (noise, (50, 100, 40), (120, 165, 80)),
        (_trees,),
    ),
    "beach": Scene(
        (fade, (90, 160, 235), (60, 130, 170)),
        (grain, (200, 175, 125), (240, 220, 175)),
        (_hills,),
    ),
    "snow": Scene(
        (fade, (150, 160, 185), (215, 220, 230)),
        (noise, (205, 212, 225), (250, 250, 255)),
        (_hills, _trees),
    ),
    "desert": Scene(
        (fade, (235, 160, 90), (250, 220, 160)),
        (noise, (165, 105, 55), (215, 155, 95)),
        (_hills,),
    ),
    "street": Scene(
        (bricks, (120, 60, 45), (185, 170, 155)),
        (grain, (75, 75, 80), (120, 120, 125)),
        (_windows, _posts),
    ),
    "alley": Scene(
        (bricks, (60, 65, 75), (120, 120, 125)),
        (checks, (50, 50, 50), (75, 72, 70)),
        (_boxes,),
    ),
    "hall": Scene(
        (stripes, (170, 140, 95), (200, 175, 130)),
        (checks, (45, 40, 40), (225, 220, 210)),
        (_windows,),
    ),
    "gym": Scene(
        (planks, (130, 165, 185), (190, 210, 220)),
        (planks, (170, 110, 55), (220, 160, 95)),
        (_posts,),
    ),
    "library": Scene(
        (noise, (70, 45, 30), (110, 75, 50)),
        (planks, (85, 55, 35), (135, 95, 60)),
        (_shelves,),
    ),
    "warehouse": Scene(
        (planks, (90, 95, 100), (140, 145, 150)),
        (noise, (110, 110, 105), (150, 150, 140)),
        (_boxes, _posts),
    ),
    "stage": Scene(
        (planks, (100, 10, 25), (170, 30, 45)),
        (planks, (60, 40, 30), (95, 70, 50)),
        (),
    ),
    "night": Scene(
        (noise, (8, 10, 30), (45, 45, 85)),
        (grain, (30, 35, 45), (60, 65, 80)),
        (_windows, _trees),
    ),
}


def backdrop(name: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a random place of the kind `name`.

    Args:
        name: A key of `SCENES`.
        height, width: The size of the picture in pixels. The picture covers the frame and `MARGIN`
            on all sides.
        rng: The random generator of the details.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    scene = SCENES[name]
    horizon = int(height * (MARGIN + rng.uniform(0.4, 0.6)) / (1 + 2 * MARGIN))
    wall = _blend(scene.wall, (horizon, width), rng)
    floor = _receding(_blend(scene.floor, (height - horizon, width), rng))
    picture = np.ascontiguousarray(np.concatenate([wall, floor]))
    for prop in scene.props:
        prop(picture, horizon, rng)
    tint = rng.uniform(0.85, 1.15, 3).astype(np.float32)
    tint = tint * (0.9 + 0.2 * noise((height, width), rng, 3))[..., None]
    picture = np.clip(picture * tint, 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(picture, (0, 0), height / 180)  # the lens is focused on the people


def _blend(
    surface: tuple[Texture, Colour, Colour], shape: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Return (H, W, 3) uint8: a texture between two colours."""
    texture, dark, light = surface
    tone = np.clip(0.85 * texture(shape, rng) + 0.15 * noise(shape, rng), 0, 1)[..., None]
    low, high = np.array(dark, np.float32), np.array(light, np.float32)
    return (low + (high - low) * tone).astype(np.uint8)


def _receding(floor: np.ndarray) -> np.ndarray:
    """Return the floor in perspective: squeezed towards the middle at the far, upper edge."""
    height, width = floor.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    seen = np.array([(0, 0), (width, 0), (2.2 * width, height), (-1.2 * width, height)], np.float32)
    warp = cv2.getPerspectiveTransform(corners, seen)
    return cv2.warpPerspective(floor, warp, (width, height), borderMode=cv2.BORDER_REFLECT)
