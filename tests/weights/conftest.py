"""PySlowFast's recorded cases, as files, and a small model."""

import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from ava_det.model.classifier import Classifier
from ava_det.model.zoo import build_classifier


class Case(NamedTuple):
    """What PySlowFast computed from known weights and clips."""

    weights: dict[str, Tensor]
    clips: list[Tensor]
    boxes: Tensor | None  # R x 5
    logits: np.ndarray


@pytest.fixture(scope="session")
def reference(shared) -> ModuleType:
    """The module that rebuilds weights and inputs of the recorded cases."""
    spec = importlib.util.spec_from_file_location("ref", shared / "reference" / "weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def case(reference) -> Callable[[str], Case]:
    """A recorded case by name."""

    def load(name: str) -> Case:
        weights = {k: torch.from_numpy(np.array(v)) for k, v in reference.checkpoint(name).items()}
        clips, boxes = reference.inputs(name)
        return Case(
            weights,
            [torch.from_numpy(clip) for clip in clips],
            None if boxes is None else torch.from_numpy(boxes),
            np.load(reference.PYSLOWFAST / f"{name}.npy"),
        )

    return load


@pytest.fixture
def small() -> Callable[[int], Classifier]:
    """A model of 0.7 MB, different for each seed, its norms included."""

    def build(seed: int) -> Classifier:
        torch.manual_seed(seed)
        model = build_classifier("slowfast_tiny", 5, {"width": 8})
        for name, weight in model.state_dict().items():
            if "norm" in name and weight.is_floating_point():
                weight.uniform_(0.5, 1.5)
        return model

    return build
