"""Small models with random weights, and what a program of its own needs."""

import os
from pathlib import Path

import pytest
import torch

from ava_det.model.faster_rcnn import build_person_detector
from ava_det.model.zoo import build_detector
from ava_det.structures import ClipShape
from ava_det.weights.card import ModelCard
from ava_det.weights.native import save_weights


@pytest.fixture
def environment(shared) -> dict[str, str]:
    """Variables of a tool that is run as a program of its own: one thread, the real data."""
    one_thread = {"OMP_NUM_THREADS": "1", "DETECTRON2_DATASETS": str(shared / "data")}
    return {**os.environ, **one_thread}


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory) -> Path:
    """A folder with an `action.safetensors` and a `persons.safetensors` that know nothing."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    arguments = {"architecture": "slowfast_tiny", "num_classes": 3, "arguments": {"width": 8}}
    classes = ((1, "stand", "pose"), (4, "sit (down)", "pose"), (9, "talk", ""))
    card = ModelCard("detector", arguments, classes, ClipShape(8, 2, 25.0, 32))
    save_weights(folder / "action.safetensors", build_detector(**arguments).state_dict(), card)
    arguments = {"architecture": "faster_rcnn_tiny", "arguments": {"width": 8}}
    card = ModelCard("persons", arguments, ((1, "person", ""),), ClipShape(1, 1, None, 96))
    detector = build_person_detector(**arguments)
    save_weights(folder / "persons.safetensors", detector.state_dict(), card)
    return folder
