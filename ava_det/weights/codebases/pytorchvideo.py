"""PyTorchVideo's hub files: blocks with our names, and PyTorchVideo's heads."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from ava_det.structures import GREY_MEAN, GREY_STD
from ava_det.weights.codebases.pyslowfast import origin_of_config
from ava_det.weights.foreign import Format, Origin, Tensors
from ava_det.weights.names import BLOCK_ROWS, Row, close_gaps, name_table

HEAD = {
    "proj": "projection",
    "pool.pre_conv": "conv_5",  # X3D's
    "pool.pre_norm": "conv_5_bn",
    "pool.post_conv": "lin_5",
}
_OUR_HEAD = {
    "head.projection": "proj",
    "head.pre_conv": "pool.pre_conv",
    "head.pre_norm": "pool.pre_norm",
    "head.post_conv": "pool.post_conv",
}
_common_name = name_table(
    (Row("detection_head", "head", HEAD), *BLOCK_ROWS, Row("blocks.{h}", "head", HEAD))
)


def _common_names(names: Iterable[str]) -> dict[str, str]:
    """Remove the prefix `model.` of PyTorchVideo's detectors and PySlowFast's wrappers."""
    inner = {name: name.removeprefix("model.") for name in names}
    closed = close_gaps(inner.values())
    found = {name: _common_name(closed[short]) for name, short in inner.items()}
    return {name: common for name, common in found.items() if common is not None}


def _origin(content: Mapping[str, Any], weights: Tensors) -> Origin:
    """Return the normalisation of the hub's models, and ROIAlign without alignment for detectors.

    If PySlowFast trained a network of PyTorchVideo, its config states the pixels.
    """
    if isinstance(content.get("cfg"), str):
        return replace(origin_of_config(content, weights), wiring={})
    detects = any(name.startswith("detection_head.") for name in weights)
    return Origin(GREY_MEAN, GREY_STD, wiring={"head.roi_align.aligned": False} if detects else {})


PYTORCHVIDEO = Format(
    title="PyTorchVideo",
    mark=re.compile(r"(model\.)?blocks\.\d+\.(multipathway_blocks\.\d\.)?res_blocks\."),
    common_names=_common_names,
    origin=_origin,
)


def export(model: nn.Module) -> dict[str, Any]:
    """Return the content of a `.pyth` file whose `model_state` PyTorchVideo's same model loads.

    Raises:
        ValueError: PyTorchVideo does not have such a model.
    """
    weights = model.state_dict()
    trunk = [name.removeprefix("backbone.") for name in weights if name.startswith("backbone.")]
    if not any(PYTORCHVIDEO.mark.match(name) for name in trunk):
        raise ValueError("PyTorchVideo has no names for this model")
    last = max(int(name.split(".")[1]) for name in trunk)
    pools = any("multipathway_blocks" in name for name in trunk)  # a block without weights
    detects = hasattr(model.head, "roi_align")
    network = "model." if detects else ""
    head = "detection_head" if detects else f"blocks.{last + (2 if pools else 1)}"
    renamed = {}
    for name, weight in weights.items():
        if name.startswith("backbone."):
            renamed[network + name.removeprefix("backbone.")] = weight
        else:
            layer, _, parameter = name.rpartition(".")
            renamed[f"{head}.{_OUR_HEAD[layer]}.{parameter}"] = weight
    return {"model_state": renamed}
