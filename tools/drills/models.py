"""Writes weight files of small untrained models."""

from pathlib import Path

import torch

from ava_det.model.faster_rcnn import build_person_detector
from ava_det.model.zoo import build_classifier, build_detector
from ava_det.structures import ClipShape
from ava_det.weights.card import ModelCard
from ava_det.weights.native import save_weights

ACTION = {"architecture": "slowfast_tiny", "num_classes": 3, "arguments": {"width": 8}}
CLASSIFIER = {"architecture": "slowfast_tiny", "num_classes": 5, "arguments": {"width": 8}}
PERSONS = {"architecture": "faster_rcnn_tiny", "arguments": {"width": 8}}
CLASSES = ((1, "stand", "pose"), (4, "sit (down)", "pose"), (9, "talk", ""))


def write_action_weights(path: Path) -> None:
    """Write a detector of three actions."""
    torch.manual_seed(0)
    card = ModelCard("detector", ACTION, CLASSES, ClipShape(8, 2, 25.0, 32))
    save_weights(path, build_detector(**ACTION).state_dict(), card)


def write_person_weights(path: Path) -> None:
    """Write a person detector."""
    torch.manual_seed(0)
    card = ModelCard("persons", PERSONS, ((1, "person", ""),), ClipShape(1, 1, None, 96))
    save_weights(path, build_person_detector(**PERSONS).state_dict(), card)


def classifier() -> torch.nn.Module:
    """Return a classifier, the source of the files of other codebases."""
    torch.manual_seed(0)
    return build_classifier(**CLASSIFIER)
