"""detectron2's model zoo: Faster R-CNN of COCO on a ResNet with FPN, of which only people are kept.

The files are pickles of arrays with a key `__author__`. Their pixels are BGR. MSRA's ResNets do not
divide the pixels by a deviation; ResNeXt divides by ImageNet's, as our models do.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ava_det.structures import IMAGENET_STD
from ava_det.weights.foreign import Format, Origin, Shapes, Tensors

STEM = "backbone.bottom_up.stem.conv1.weight"
_GROUPED = "backbone.bottom_up.res2.0.conv2.weight"
_PREDICTOR = re.compile(r"roi_heads\.box_predictor\.(cls_score|bbox_pred)\.(weight|bias)")


def _origin(content: Mapping[str, Any], _: Tensors) -> Origin:
    if "__author__" not in content:
        raise ValueError(
            "names of detectron2, but not of its model zoo: the order of colours is unknown"
        )
    return Origin()


def _adjust(weights: dict[str, Tensor], _: Shapes) -> dict[str, Tensor]:
    """Convert to RGB in our scale; keep the rows of people (COCO's first class) and background."""
    stem = weights[STEM].flip(1)
    grouped = _GROUPED in weights and weights[_GROUPED].shape[1] < weights[_GROUPED].shape[0]
    if not grouped:
        stem = stem * 255 * torch.tensor(IMAGENET_STD)[:, None, None]
    people = {}
    for name, weight in weights.items():
        part = _PREDICTOR.fullmatch(name)
        if part and part[1] == "cls_score":
            people[name] = weight[[0, -1]]
        elif part:
            people[name] = weight[:4]
    return weights | people | {STEM: stem}


DETECTRON2 = Format(
    title="detectron2's model zoo (people of COCO)",
    mark=re.compile(re.escape(STEM)),
    common_names=lambda names: {name: name for name in names},
    origin=_origin,
    adjust=_adjust,
    logged=re.compile(r"pixel_(mean|std)|proposal_generator\.anchor_generator\.cell_anchors\.\d"),
)
