"""EfficientNet-lite0 of ImageNet, in the names of its first PyTorch port."""

import re
from collections.abc import Iterable

from ava_det.model.efficientnet import MEAN, STD
from ava_det.weights.foreign import Format, Origin

_LAYER = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")
_STEM = {"_conv_stem": "stem.conv", "_bn0": "stem.norm"}
_BLOCK = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
_LAST = ("_conv_head.", "_bn1.", "_fc.")  # of the classifier only


def _common_names(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        block = _LAYER.fullmatch(name)
        layer, _, parameter = name.rpartition(".")
        if name.startswith(_LAST):
            found[name] = f"head.{name}"
        elif layer in _STEM:
            found[name] = f"backbone.slow.{_STEM[layer]}.{parameter}"
        elif block and block[2] in _BLOCK:
            found[name] = f"backbone.slow.blocks.{block[1]}.{_BLOCK[block[2]]}.{block[3]}"
    return found


EFFICIENTNET = Format(
    title="EfficientNet-lite (images)",
    mark=re.compile(r"_blocks\.\d+\._depthwise_conv\."),
    common_names=_common_names,
    origin=lambda _, __: Origin(MEAN, STD),
)
