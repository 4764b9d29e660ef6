"""torchvision's video transformers: MViTv2-S, whose names ours keep."""

import re
from collections.abc import Iterable

from ava_det.structures import GREY_MEAN, GREY_STD
from ava_det.weights.foreign import Format, Origin

_HEAD = "head.1."  # after a dropout


def _common_names(names: Iterable[str]) -> dict[str, str]:
    return {
        name: f"head.projection.{name.removeprefix(_HEAD)}"
        if name.startswith(_HEAD)
        else f"backbone.{name}"
        for name in names
    }


TORCHVISION = Format(
    title="torchvision (MViT)",
    mark=re.compile(r"blocks\.\d+\.attn\.qkv\."),
    common_names=_common_names,
    origin=lambda _, __: Origin(GREY_MEAN, GREY_STD),
)
