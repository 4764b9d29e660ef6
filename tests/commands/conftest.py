"""What a program of its own needs."""

import os

import pytest


@pytest.fixture
def environment(shared) -> dict[str, str]:
    """Variables of a tool that is run as a program of its own: one thread, the real data."""
    one_thread = {"OMP_NUM_THREADS": "1", "DETECTRON2_DATASETS": str(shared / "data")}
    return {**os.environ, **one_thread}
