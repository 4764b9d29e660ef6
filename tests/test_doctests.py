"""Every example in a docstring of the package does what it says, beside small drawn files."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from ava_det.model.zoo import build_detector
from ava_det.structures import ClipShape
from ava_det.video.writer import VideoWriter
from ava_det.weights.card import ModelCard
from ava_det.weights.native import save_weights

ROOT = Path(__file__).resolve().parents[1]
FILES = [path for path in sorted((ROOT / "ava_det").rglob("*.py")) if ">>> " in path.read_text()]
NAMES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in FILES
]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    """A film of nobody, its annotations and results, a class map and a detector."""
    folder = tmp_path_factory.mktemp("drawn")
    with VideoWriter(folder / "film.mp4", 96, 128, rate=25, threads=1) as writer:
        for number in range(13):
            writer.write(np.full((96, 128, 3), 10 * number, np.uint8))
    (folder / "annotations.csv").write_text(
        "film,0,0.1,0.1,0.4,0.9,1\nfilm,0,0.6,0.1,0.9,0.9,2\nfilm,5,0.6,0.1,0.9,0.9,2\n"
    )
    (folder / "results.csv").write_text(
        "film,0,0.1,0.1,0.4,0.8,1,0.9\nfilm,5,0.6,0.2,0.9,0.9,2,0.7\n"
    )
    names = ("wave", "sit", "run")
    items = [f'item {{ name: "{name}" id: {i} }}' for i, name in enumerate(names, 1)]
    (folder / "classes.pbtxt").write_text("\n".join(items) + "\n")
    arguments = {"architecture": "slowfast_tiny", "num_classes": 3, "arguments": {"width": 8}}
    classes = tuple((i, name, "") for i, name in enumerate(names, 1))
    torch.manual_seed(0)
    card = ModelCard("detector", arguments, classes, ClipShape(8, 2, 25.0, 32))
    weights = build_detector(**arguments).state_dict()
    save_weights(folder / "action.safetensors", weights, card)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_examples(drawn, monkeypatch, name):
    monkeypatch.chdir(drawn)
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert result.failed == 0


def test_the_front_door_has_examples():
    doors = {"ava_det", "ava_det.detect.load", "ava_det.evaluation.evaluate"}
    assert doors | {"ava_det.weights.load", "ava_det.augment.videomix"} <= {*NAMES}
