"""The table of published models: every row builds, and is what its name says."""

import pytest
import torch
from detectron2.config import instantiate
from lanes import slow_but

from ava_det.model.published import PUBLISHED
from ava_det.structures import InputError
from ava_det.train.config import published_config

CLASSES = {"ava": 80, "kinetics": 400, "ssv2": 174, "charades": 157, "multisports": 66}


def shapes(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in model.state_dict().items()}


FAST = "ava_slowfast_r50_8x8", "kinetics_x3d_s", "mm_kinetics_slowonly_r50_8x8"


@pytest.mark.parametrize("name", slow_but(sorted(PUBLISHED), FAST.__contains__))
def test_every_published_model_builds(name):
    published = PUBLISHED[name]
    with torch.device("meta"):
        model = published.build()
    assert model.head.projection.out_features == CLASSES[name.removeprefix("mm_").split("_")[0]]
    assert published.clip.frames % model.backbone.split.alpha == 0


def test_there_are_as_many_as_the_documents_say():
    assert len(PUBLISHED) == 91
    assert sum(name.startswith("mm_") for name in PUBLISHED) == 30


@pytest.mark.parametrize(
    "name", ["ava_slowfast_r101_8x8", "kinetics_x3d_s", "mm_ava_slowfast_r50_8x8"]
)
def test_a_config_of_a_row_is_the_row(name):
    cfg = published_config(name, [])
    with torch.device("meta"):
        assert shapes(instantiate(cfg.model)) == shapes(PUBLISHED[name].build())
    assert dict(cfg.clip) == vars(PUBLISHED[name].clip)


def test_overrides_reach_the_model():
    overrides = ["model.num_classes=7", "model.arguments.alpha=8", "clip.short_side=128"]
    cfg = published_config("ava_slowfast_r50_8x8", overrides)
    with torch.device("meta"):
        model = instantiate(cfg.model)
    assert model.head.projection.out_features == 7
    assert model.backbone.split.alpha == 8
    assert cfg.clip.short_side == 128


def test_a_misspelt_model_is_answered_with_the_right_one():
    with pytest.raises(InputError, match=r"did you mean kinetics_slowfast_r50_8x8\?"):
        published_config("kinetics_slowfast_r50_8_8", [])
