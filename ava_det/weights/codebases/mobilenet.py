"""MobileNetV2 of ImageNet, as the bottom of a person detector.

Two spellings of the names exist: torchvision's, and that of an early PyTorch port, which numbers
the layers of a block without nesting them.
"""

import re
from collections.abc import Iterable

from ava_det.weights.foreign import Format, Origin

_LAYER = re.compile(r"features\.(\d+)\.conv\.(\d+)\.(\w+)")
_NESTED = re.compile(r"features\.\d+\.conv\.\d+\.\d+\.")
_LAST = ("features.18.", "classifier.")  # of the classifier only
# A block's layers of the flat spelling in torchvision's; the first block has no expansion.
_FIRST = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}
_OTHERS = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}


def _common_names(names: Iterable[str]) -> dict[str, str]:
    names = list(names)
    flat = not any(_NESTED.match(name) for name in names)
    found = {}
    for name in names:
        layer = _LAYER.fullmatch(name) if flat else None
        if name.startswith(_LAST):
            found[name] = f"head.{name}"
        elif layer is None:
            found[name] = f"backbone.bottom_up.{name}"
        else:
            block, number, rest = layer.groups()
            nested = (_FIRST if block == "1" else _OTHERS).get(number, number)
            found[name] = f"backbone.bottom_up.features.{block}.conv.{nested}.{rest}"
    return found


MOBILENET = Format(
    title="MobileNetV2 (images)",
    mark=re.compile(r"features\.\d+\.conv\."),
    common_names=_common_names,
    origin=lambda _, __: Origin(),  # detectron2's models normalise by ImageNet's pixels themselves
)
