"""Small films and small models with random weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ava_det.video.writer import VideoWriter


@pytest.fixture
def film(tmp_path) -> Callable[..., Path]:
    """Write a film of noise in which every frame is another one."""

    def write(frames: int, rate: float = 25.0, height: int = 48, width: int = 64) -> Path:
        path = tmp_path / f"film_{frames}_{rate:g}.mp4"
        rng = np.random.default_rng(frames)
        with VideoWriter(path, height, width, rate, threads=1) as writer:
            for _ in range(frames):
                blocks = rng.integers(256, size=(height // 8, width // 8, 3), dtype=np.uint8)
                writer.write(blocks.repeat(8, axis=0).repeat(8, axis=1))
        return path

    return write
