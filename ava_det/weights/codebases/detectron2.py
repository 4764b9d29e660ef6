"""detectron2's model zoo: Faster R-CNN of COCO on a ResNet with FPN, of whose classes people stay.

Its files are pickles of arrays that say who wrote them. Pixels are BGR there; MSRA's ResNets do not
divide them by a deviation, ResNeXt does by ImageNet's, as is done here.
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
            "names of detectron2, but not of its model zoo: it does not tell the order of colours"
        )
    return Origin()


def _adjust(weights: dict[str, Tensor], _: Shapes) -> dict[str, Tensor]:
    """RGB of our scale, and the rows of COCO's first class, people, and of the background."""
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
