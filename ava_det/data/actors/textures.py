"""Procedural textures: (H, W) float32 tones from 0, dark, to 1, light, from a random generator."""

from collections.abc import Callable

import cv2
import numpy as np

Texture = Callable[[tuple[int, int], np.random.Generator], np.ndarray]


def noise(shape: tuple[int, int], rng: np.random.Generator, octaves: int = 5) -> np.ndarray:
    """Value noise: each octave is twice as fine as the one before and weighs 0.6 of it."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cells = 2 ** (octave + 1)
        grid = rng.random((cells + 1, cells * width // height + 1), np.float32)
        total += 0.6**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = total.min(), total.max()
    return (total - low) / max(high - low, 1e-6)


def grain(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Fine grain, as of sand."""
    return cv2.GaussianBlur(rng.random(shape, np.float32), (0, 0), 1.2) * 3 - 1


def stripes(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Stripes of two tones, in any direction."""
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(14, 40)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return 0.5 + 0.5 * np.sign(np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / pitch))


def bricks(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a wall of bricks. The mortar is 1."""
    height = int(rng.integers(10, 18))
    width = int(height * rng.uniform(1.8, 3.0))
    y, x = np.mgrid[: shape[0], : shape[1]]
    x = x + (y // height % 2) * (width // 2)
    tone = rng.random((shape[0] // height + 1, (shape[1] + width) // width + 1), np.float32)
    mortar = (y % height < 2) | (x % width < 2)
    return np.where(mortar, 1.0, 0.7 * tone[y // height, x // width]).astype(np.float32)


def checks(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a board of two tones."""
    side = int(rng.integers(16, 40))
    y, x = np.mgrid[: shape[0], : shape[1]]
    return ((y // side + x // side) % 2).astype(np.float32)


def planks(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Upright planks of many tones."""
    width = int(rng.integers(14, 30))
    columns = np.arange(shape[1]) // width
    tone = rng.random(columns.max() + 1, np.float32)[columns]
    tone = np.where(np.arange(shape[1]) % width < 2, 0.0, 0.3 + 0.7 * tone)
    return np.broadcast_to(tone, shape).astype(np.float32)


def fade(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Dark above, light below, cloudy."""
    ramp = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    return 0.8 * np.broadcast_to(ramp, shape) + 0.2 * noise(shape, rng, octaves=3)
