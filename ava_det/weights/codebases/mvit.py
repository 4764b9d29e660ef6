"""Maps the names of MViTv2-S in PySlowFast and MMAction2 to ours, which are torchvision's."""

import re
from collections.abc import Mapping

from torch import Tensor

from ava_det.weights.foreign import Names, Shapes, by_table

LAYERS = {  # layers of a block, theirs to ours; both codebases use the same names
    "attn.proj": "attn.project.0",
    "attn.pool_q": "attn.pool_q.pool",
    "attn.pool_k": "attn.pool_k.pool",
    "attn.pool_v": "attn.pool_v.pool",
    "attn.norm_q": "attn.pool_q.norm_act.0",
    "attn.norm_k": "attn.pool_k.norm_act.0",
    "attn.norm_v": "attn.pool_v.norm_act.0",
    "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.3",
    "proj": "project",
}
_OUR_LAYERS = {ours: theirs for theirs, ours in LAYERS.items()}
_BLOCK = re.compile(r"(?:backbone\.)?(blocks\.\d{1,3})\.(.+)")
_TOKENS = ("cls_token", "backbone.cls_token")
_OUR_TOKEN = "backbone.pos_encoding.class_token"


def common_names_of_mvit(outside: Mapping[str, str]) -> Names:
    """Make a function that maps the names of a whole file to ours.

    Args:
        outside: From the codebase's layers outside of the blocks to ours.
    """

    def common_name(name: str) -> str | None:
        layer, _, parameter = name.rpartition(".")
        block = _BLOCK.fullmatch(layer)
        if name in _TOKENS:
            return _OUR_TOKEN
        if layer in outside:
            return f"{outside[layer]}.{parameter}"
        if block:
            return f"backbone.{block[1]}.{LAYERS.get(block[2], block[2])}.{parameter}"
        return None

    return by_table(common_name)


def theirs_of_mvit(weights: Mapping[str, Tensor], outside: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the weights of one of our models by the codebase's names.

    Args:
        weights: The weights of one of our MViTs.
        outside: The same as for `common_names_of_mvit`.
    """
    layers = {ours: theirs for theirs, ours in outside.items()}
    found = {}
    for name, weight in weights.items():
        layer, _, parameter = name.rpartition(".")
        if name == _OUR_TOKEN:
            found[_TOKENS[0]] = weight[None, None]
        elif layer in layers:
            found[f"{layers[layer]}.{parameter}"] = weight
        elif block := _BLOCK.fullmatch(layer):
            found[f"{block[1]}.{_OUR_LAYERS.get(block[2], block[2])}.{parameter}"] = weight
    return found


def flatten_token(weights: dict[str, Tensor], _: Shapes) -> dict[str, Tensor]:
    """Remove the axes of clips and tokens from the class token. Our class token lacks them."""
    return {n: w.reshape(-1) if n in _TOKENS else w for n, w in weights.items()}
