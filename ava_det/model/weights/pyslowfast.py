"""PySlowFast's `.pyth`: the common names themselves, and the training config beside them."""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from torch import nn

from ava_det.model.weights.foreign import Format, Origin, Tensors
from ava_det.model.weights.names import common_names_of_ours
from ava_det.model.zoo import GREY_MEAN, GREY_STD

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former is ten times as fast


def _origin(content: Mapping[str, Any], _: Tensors) -> Origin:
    """PySlowFast keeps its config as YAML; some of its published files leave it out."""
    text = content.get("cfg")
    if not isinstance(text, str):
        return Origin(GREY_MEAN, GREY_STD)
    if "<<" in text or len(text) > 1 << 20:
        raise ValueError("its config is not one of PySlowFast")  # merges can grow without bound
    try:
        config = yaml.load(text, _LOADER)
    except yaml.YAMLError as error:
        raise ValueError(f"its config cannot be read: {error}") from error
    return _origin_of_config(config if isinstance(config, dict) else {})


def _origin_of_config(config: Mapping[str, Any]) -> Origin:
    """PySlowFast `config/defaults.py` has the defaults, `ava_dataset.py` the order of colours."""

    def setting(section: str, key: str, default: Any = None) -> Any:
        values = config.get(section)
        return values.get(key, default) if isinstance(values, dict) else default

    detects = bool(setting("DETECTION", "ENABLE", False))
    bgr = bool(setting("DATA", "REVERSE_INPUT_CHANNEL", False))
    if detects and setting("AVA", "BGR", False):
        bgr = not bgr  # the data set gives BGR, which is then reversed once more
    mean = tuple(float(x) for x in setting("DATA", "MEAN", GREY_MEAN))
    std = tuple(float(x) for x in setting("DATA", "STD", GREY_STD))
    wiring = {}
    if detects:
        wiring["head.roi_align.aligned"] = bool(setting("DETECTION", "ALIGNED", True))
    alpha = setting("SLOWFAST", "ALPHA")
    if setting("MODEL", "ARCH") == "slowfast" and alpha is not None:
        wiring["backbone.split.alpha"] = alpha
    return Origin(mean[::-1] if bgr else mean, std[::-1] if bgr else std, bgr, wiring, stated=True)


PYSLOWFAST = Format(
    title="PySlowFast",
    mark=re.compile(r"s[1-5]\.pathway\d_"),
    common_names=lambda names: {name: name for name in names},
    origin=_origin,
)


def export(model: nn.Module) -> dict[str, Any]:
    """The content of a `.pyth` from which PySlowFast loads a model of ours.

    Raises:
        ValueError: a model that PySlowFast does not have.
    """
    weights = model.state_dict()
    names = common_names_of_ours(weights)
    strange = [n for n, common in names.items() if not re.match(r"s[1-5][._]|head\.", common)]
    strange += [n for n, common in names.items() if "b_pre" in common]
    if strange:
        raise ValueError(f"PySlowFast has no name for {strange[0]}")
    config: dict[str, Any] = {}
    if normalize := getattr(model, "normalize", None):
        config["DATA"] = {"MEAN": list(normalize.mean), "STD": list(normalize.std)}
    if roi_align := getattr(getattr(model, "head", None), "roi_align", None):
        config["DETECTION"] = {"ENABLE": True, "ALIGNED": roi_align.aligned}
    return {
        "epoch": 0,
        "model_state": {common: weights[name] for name, common in names.items()},
        "cfg": yaml.safe_dump(config),
    }
