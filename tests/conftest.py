"""Fixtures that every test may ask for."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

# No deadline: the machine may be busy. In CI the same examples every time.
settings.register_profile("ava_det", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("ava_det")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The team's folder of real videos and recorded answers, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"real data not found at {SHARED}")
    return SHARED
