"""Loads MMAction2's `.pth`: mmcv's layer names, ImageNet's normalisation, heads in other order."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ava_det.structures import GREY_MEAN, GREY_STD, IMAGENET_MEAN, IMAGENET_STD
from ava_det.weights.codebases.mvit import common_names_of_mvit, flatten_token
from ava_det.weights.foreign import Format, Origin, Shapes, Tensors
from ava_det.weights.names import Row, name_table

STEM = {
    "conv1.conv": "conv",
    "conv1.bn": "bn",
    "conv1_s.conv": "conv_xy",  # X3D's
    "conv1_t.conv": "conv",
    "conv1_t.bn": "bn",
}
BLOCK = {
    "downsample.conv": "branch1",
    "downsample.bn": "branch1_bn",
    "conv1.conv": "branch2.a",
    "conv1.bn": "branch2.a_bn",
    "conv2.conv": "branch2.b",
    "conv2.bn": "branch2.b_bn",
    "conv3.conv": "branch2.c",
    "conv3.bn": "branch2.c_bn",
    "se_module.fc1": "branch2.se.fc1",
    "se_module.fc2": "branch2.se.fc2",
    "conv2.0.conv": "branch2.b_pre",  # ip-CSN's
    "conv2.0.bn": "branch2.b_pre_bn",
    "conv2.1.conv": "branch2.b",
    "conv2.1.bn": "branch2.b_bn",
}
NON_LOCAL = {
    "theta.conv": "conv_theta",
    "phi.conv": "conv_phi",
    "phi.0.conv": "conv_phi",  # if its output is pooled
    "g.conv": "conv_g",
    "g.0.conv": "conv_g",
    "conv_out.conv": "conv_out",
    "conv_out.bn": "bn",
}
FUSION = {"conv": "conv_f2s", "bn": "bn"}


def _pathway(place: str, pathway: int) -> tuple[Row, ...]:
    return (
        Row(f"{place}.layer{{s-1}}.{{b}}", f"s{{s}}.pathway{pathway}_res{{b}}", BLOCK),
        Row(
            f"{place}.layer{{s-1}}.{{b}}.non_local_block",
            f"s{{s}}.pathway{pathway}_nonlocal{{b}}",
            NON_LOCAL,
        ),
        Row(place, f"s1.pathway{pathway}_stem", STEM),
    )


ROWS = (
    *_pathway("backbone", 0),
    *_pathway("backbone.slow_path", 0),
    *_pathway("backbone.fast_path", 1),
    Row("backbone.slow_path.conv1_lateral", "s1_fuse", FUSION),
    Row("backbone.slow_path.layer{s-1}_lateral", "s{s}_fuse", FUSION),
    Row("backbone.conv5", "head", {"conv": "conv_5", "bn": "conv_5_bn"}),
    Row("cls_head", "head", {"fc_cls": "projection", "fc1": "lin_5", "fc2": "projection"}),
    Row("roi_head.bbox_head", "head", {"fc_cls": "projection"}),
)


_common_name = name_table(ROWS)


def _common_names(names: Iterable[str]) -> dict[str, str]:
    """Both kinds of CSN keep a sequence under `conv2`; that of ir-CSN has one convolution only."""
    names = list(names)
    alone = not any(".conv2.1." in name for name in names)
    short = {name: name.replace(".conv2.0.", ".conv2.") if alone else name for name in names}
    found = {name: _common_name(inner) or _head_part(name) for name, inner in short.items()}
    return {name: common for name, common in found.items() if common is not None}


def _head_part(name: str) -> str | None:
    """Name the parts of other heads so that `fresh=HEAD` leaves them out."""
    return f"head.{name}" if name.startswith(("cls_head.", "roi_head.")) else None


def _origin(_: Mapping[str, Any], weights: Tensors) -> Origin:
    """MMAction2's SlowFast takes every alpha-th frame for the slow pathway, from the first on.

    MMAction2's X3D is PySlowFast's, with the same pixels.
    """
    if "backbone.conv1_s.conv.weight" in weights:
        return Origin(GREY_MEAN, GREY_STD)
    two = any(name.startswith("backbone.fast_path.") for name in weights)
    return Origin(
        IMAGENET_MEAN, IMAGENET_STD, wiring={"backbone.split.from_first": True} if two else {}
    )


def _adjust(weights: dict[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    """Put the slow pathway's features first, and drop the background class, which our models lack.

    `SlowFastHead` concatenates the fast pathway's first, the RoI extractor does not; RoI heads have
    a class 0 in front where their config says `background_class=True`.
    """
    changed = dict(weights)
    fast = weights.get("backbone.fast_path.layer4.0.downsample.conv.weight")
    columns = weights.get("cls_head.fc_cls.weight")
    if fast is not None and columns is not None:
        changed["cls_head.fc_cls.weight"] = torch.roll(columns, -len(fast), dims=1)
    for part in ("weight", "bias"):
        name = f"roi_head.bbox_head.fc_cls.{part}"
        if name in weights and name in shapes and len(weights[name]) == shapes[name][0] + 1:
            changed[name] = weights[name][1:]
    return changed


MMACTION2 = Format(
    title="MMAction2",
    mark=re.compile(r"backbone\.((slow|fast)_path\.)?layer\d\."),
    common_names=_common_names,
    origin=_origin,
    adjust=_adjust,
)

_MVIT = {  # layers outside of the blocks, to ours
    "backbone.patch_embed.projection": "backbone.conv_proj",
    "backbone.norm3": "backbone.norm",
    "cls_head.fc_cls": "head.projection",
}
MMACTION2_MVIT = Format(
    title="MMAction2 (MViT)",
    mark=re.compile(r"backbone\.patch_embed\.projection\."),
    common_names=common_names_of_mvit(_MVIT),
    origin=lambda _, __: Origin(GREY_MEAN, GREY_STD),
    adjust=flatten_token,
)
