"""Losses as a config sets them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from detectron2.config import LazyConfig, instantiate
from made_sets import of_keyframes, registered

from ava_det.formats.class_map import ClassMap
from ava_det.model.criterion import effective_number_weights
from ava_det.structures import AnnotatedKeyframe, Keyframe, PersonBoxes
from ava_det.train.config import load_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
NAME = "three_people_of_a_criterion_test"


@pytest.fixture
def cfg():
    """A config of a data set of three people, who have 2, 1 and 1 labels of its classes."""
    people = PersonBoxes(
        Keyframe("v", 1), np.zeros((3, 4)), ((1, 3), (1,), (2,)), np.ones(3), np.full(3, -1)
    )
    classes = ClassMap({1: "sit", 2: "stand", 3: "talk"})
    dataset = of_keyframes(NAME, [AnnotatedKeyframe("v.mp4", people)], classes)
    cfg = LazyConfig.load(str(CONFIGS / "finetune" / "jhmdb_slowfast_tiny.py"))
    cfg.data.train = NAME
    cfg.model.exclusive = [0, 1]
    with registered(dataset):
        yield cfg


@pytest.mark.parametrize("name", ["sigmoid", "focal", "exclusive"])
@pytest.mark.parametrize("balanced", [False, True])
def test_each_loss_fits_the_task(cfg, name, balanced):
    criteria = LazyConfig.load(str(CONFIGS / "common" / "criteria.py"))
    cfg.task.criterion = criteria[name]
    if balanced:
        cfg.task.criterion.class_weights = cfg.dataloader.balanced_weights
    criterion = instantiate(cfg.task).criterion
    losses = criterion(torch.zeros(2, 3), torch.eye(3)[:2])
    assert all(loss > 0 for loss in losses.values())
    if balanced:
        expected = effective_number_weights([2, 1, 1], beta=0.999)
        assert criterion.class_weights.tolist() == pytest.approx(expected)
    if name == "exclusive":
        assert criterion.columns == instantiate(cfg.model).head.exclusive == [0, 1]


@pytest.mark.parametrize(
    "config", [path.stem for path in sorted((CONFIGS / "finetune").glob("*.py"))]
)
def test_one_override_balances_the_classes_of_any_detector(cfg, config):
    """By the labels of the data set that the same command line names."""
    path, override = CONFIGS / "finetune" / f"{config}.py", "task.criterion.class_weights=balanced"
    criterion = instantiate(load_config(str(path), [override, f"data.train={NAME}"]).task).criterion
    expected = effective_number_weights([2, 1, 1], beta=0.999)
    assert criterion.class_weights.tolist() == pytest.approx(expected)
