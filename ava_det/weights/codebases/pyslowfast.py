"""PySlowFast's `.pyth`: names that are the common names, and the training config."""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from torch import nn

from ava_det.model.backbones import Backbone
from ava_det.model.mvit import TokenBackbone
from ava_det.structures import GREY_MEAN, GREY_STD
from ava_det.weights.codebases.mvit import common_names_of_mvit, flatten_token, theirs_of_mvit
from ava_det.weights.foreign import Format, Origin, Tensors
from ava_det.weights.names import common_names_of_ours

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former is ten times as fast

_DEEPEST = 20  # sections and lists within each other; PySlowFast's have 4


def origin_of_config(content: Mapping[str, Any], _: Tensors) -> Origin:
    """Read PySlowFast's config, which is YAML; some published files lack it."""
    text = content.get("cfg")
    if not isinstance(text, str):
        return Origin(GREY_MEAN, GREY_STD)
    if "<<" in text or len(text) > 1 << 20:
        raise ValueError("its config is not one of PySlowFast")  # merges can grow without bound
    try:
        _check_depth(text)
        config = yaml.load(text, _LOADER)
    except yaml.YAMLError as error:
        raise ValueError(f"its config cannot be read: {error}") from error
    return _read_config(config if isinstance(config, dict) else {})


def _check_depth(text: str) -> None:
    """Refuse a config that is nested so deeply that building it would end the process."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"its config is nested more than {_DEEPEST} deep")


def _read_config(config: Mapping[str, Any]) -> Origin:
    """Read the facts, with PySlowFast's defaults and the colour order of `ava_dataset.py`."""

    def setting(section: str, key: str, default: Any = None) -> Any:
        values = config.get(section)
        return values.get(key, default) if isinstance(values, dict) else default

    detects = bool(setting("DETECTION", "ENABLE", False))
    bgr = bool(setting("DATA", "REVERSE_INPUT_CHANNEL", False))
    if detects and setting("AVA", "BGR", False):
        bgr = not bgr  # the data set gives BGR, which is then reversed once more
    mean = tuple(float(x) for x in setting("DATA", "MEAN", GREY_MEAN))
    std = tuple(float(x) for x in setting("DATA", "STD", GREY_STD))
    wiring: dict[str, Any] = {}
    if detects:
        cells = setting("DETECTION", "ROI_XFORM_RESOLUTION", 7)
        wiring["head.roi_align.output_size"] = (cells, cells)
        wiring["head.roi_align.aligned"] = bool(setting("DETECTION", "ALIGNED", True))
    alpha = setting("SLOWFAST", "ALPHA")
    if setting("MODEL", "ARCH") == "slowfast" and alpha is not None:
        wiring["backbone.split.alpha"] = alpha
    if detects and setting("MODEL", "ARCH") not in ("x3d", "mvit"):  # these do not read the keys
        if stride := _number_of_res5(setting("RESNET", "SPATIAL_STRIDES")):
            wiring["head.roi_align.spatial_scale"] = 1 / (16 * stride)
        if dilation := _number_of_res5(setting("RESNET", "SPATIAL_DILATIONS")):
            wiring["backbone.dilation"] = dilation
    return Origin(mean[::-1] if bgr else mean, std[::-1] if bgr else std, bgr, wiring, stated=True)


def _number_of_res5(lists: Any) -> int | None:
    """Return 1 or 2, if all pathways have this number at res5 in a list of stages; else None."""
    if not (isinstance(lists, list) and len(lists) == 4 and isinstance(lists[3], list)):
        return None
    return next((n for n in (1, 2) if lists[3] in ([n], [n, n])), None)


PYSLOWFAST = Format(
    title="PySlowFast",
    mark=re.compile(r"s[1-5]\.pathway\d_"),
    common_names=lambda names: {name: name for name in names},
    origin=origin_of_config,
)

_MVIT = {  # layers outside of the blocks, to ours
    "patch_embed.proj": "backbone.conv_proj",
    "norm": "backbone.norm",
    "head.projection": "head.projection",
}
PYSLOWFAST_MVIT = Format(
    title="PySlowFast (MViT)",
    mark=re.compile(r"patch_embed\.proj\."),
    common_names=common_names_of_mvit(_MVIT),
    origin=origin_of_config,
    adjust=flatten_token,
)


def export(model: nn.Module) -> dict[str, Any]:
    """Return the content of a `.pyth` file from which PySlowFast loads one of our models.

    Raises:
        ValueError: PySlowFast does not have such a model.
    """
    weights = model.state_dict()
    if isinstance(getattr(model, "backbone", None), TokenBackbone):
        state = theirs_of_mvit(weights, _MVIT)
    else:
        names = common_names_of_ours(weights)
        known = re.compile(r"(s[1-5][._]|head\.)(?!.*b_pre)")
        strange = [name for name, common in names.items() if not known.match(common)]
        if strange:
            raise ValueError(f"PySlowFast has no name for {strange[0]}")
        state = {common: weights[name] for name, common in names.items()}
    return {"epoch": 0, "model_state": state, "cfg": yaml.safe_dump(_config_of(model))}


def _config_of(model: nn.Module) -> dict[str, Any]:
    """Return the config with which PySlowFast computes the same from the weights."""
    config: dict[str, Any] = {}
    if normalize := getattr(model, "normalize", None):
        config["DATA"] = {"MEAN": list(normalize.mean), "STD": list(normalize.std)}
    if roi_align := getattr(getattr(model, "head", None), "roi_align", None):
        config["DETECTION"] = {
            "ENABLE": True,
            "ALIGNED": roi_align.aligned,
            "ROI_XFORM_RESOLUTION": roi_align.output_size[0],
            "SPATIAL_SCALE_FACTOR": round(1 / roi_align.spatial_scale),
        }
    backbone = getattr(model, "backbone", None)
    if isinstance(backbone, Backbone):
        pathways = len(backbone.out_channels)
        config["RESNET"] = {
            "SPATIAL_STRIDES": [[s] * pathways for s in (1, 2, 2, backbone.stride // 16)],
            "SPATIAL_DILATIONS": [[d] * pathways for d in (1, 1, 1, backbone.dilation)],
        }
        if pathways == 2:
            config["MODEL"] = {"ARCH": "slowfast"}
            config["SLOWFAST"] = {"ALPHA": backbone.split.alpha}
    return config
