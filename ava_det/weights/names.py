"""Gives every weight one common name, that of PySlowFast, whatever codebase wrote it.

A table has the places of a codebase, with stage `{s}`, pathway `{p}` and block `{b}` as numbers,
and the names of the layers at each place. A format is one table. So `layer1.0.conv2.conv.weight` of
MMAction2 and `blocks.1.res_blocks.0.branch2.conv_b.weight` of PyTorchVideo both are
`s2.pathway0_res0.branch2.b.weight`. A stage is numbered as in the papers: the stem is s1, then
s2 to s5 (res2 to res5). ip-CSN, which PySlowFast lacks, adds `b_pre` and `b_pre_bn`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

PARAMETERS = {
    name: name for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
}
_FIELD = re.compile(r"\\\{([a-z])(-1)?\\\}")  # {s} or {s-1}, after re.escape


class Row(NamedTuple):
    """The layers at one kind of place.

    Attributes:
        place: The place in the codebase, such as `layer{s-1}.{b}`. The place may be empty.
        common: The same place in PySlowFast, such as `s{s}.pathway0_res{b}`.
        layers: From the layers at this place in the codebase to PySlowFast's layers.
    """

    place: str
    common: str
    layers: Mapping[str, str]


def name_table(
    rows: Iterable[Row], separator: str = ".", parameters: Mapping[str, str] = PARAMETERS
) -> Callable[[str], str | None]:
    """Make a function from the name of a weight in a codebase to the common name, or None.

    Args:
        rows: The table. The first row that knows a name wins.
        separator: The text between place, layer and parameter.
        parameters: From the codebase's words for weight, bias and so on to ours.

    >>> names = name_table([Row("layer{s-1}.{b}", "s{s}.pathway0_res{b}", {"bn1": "branch2.a_bn"})])
    >>> names("layer1.0.bn1.bias")
    's2.pathway0_res0.branch2.a_bn.bias'
    """
    compiled = [_compile(row, separator) for row in rows]

    @lru_cache(4096)  # the parameters of a layer come one after the other
    def common_layer(name: str) -> str | None:
        for pattern, offsets, row in compiled:
            match = pattern.fullmatch(name)
            if match and match["layer"] in row.layers:
                fields = {field: int(match[field]) + offset for field, offset in offsets.items()}
                return f"{row.common.format(**fields)}.{row.layers[match['layer']]}"
        return None

    def common_name(name: str) -> str | None:
        layer, _, parameter = name.rpartition(separator)
        if parameter not in parameters or not (common := common_layer(layer)):
            return None
        return f"{common}.{parameters[parameter]}"

    return common_name


def _compile(row: Row, separator: str) -> tuple[re.Pattern[str], dict[str, int], Row]:
    """Compile a pattern for the layers of a row, and what to add to the numbers that it finds."""
    escaped = re.escape(row.place).replace(r"\-1", "-1")
    offsets = {field: 1 if shift else 0 for field, shift in _FIELD.findall(escaped)}
    place = _FIELD.sub(r"(?P<\1>\\d{1,3})", escaped)
    start = place + re.escape(separator) if place else ""
    return re.compile(rf"{start}(?P<layer>.+)"), offsets, row


STEM = {"conv": "conv", "norm": "bn", "conv.conv_t": "conv_xy", "conv.conv_xy": "conv"}
FUSION = {"conv_fast_to_slow": "conv_f2s", "norm": "bn"}
BLOCK = {
    "branch1_conv": "branch1",
    "branch1_norm": "branch1_bn",
    "branch2.conv_a": "branch2.a",
    "branch2.norm_a": "branch2.a_bn",
    "branch2.conv_b": "branch2.b",
    "branch2.norm_b": "branch2.b_bn",
    "branch2.conv_c": "branch2.c",
    "branch2.norm_c": "branch2.c_bn",
    # X3D: a norm, then squeeze and excitation
    "branch2.norm_b.0": "branch2.b_bn",
    "branch2.norm_b.1.block.0": "branch2.se.fc1",
    "branch2.norm_b.1.block.2": "branch2.se.fc2",
    # ip-CSN: across channels, then within each
    "branch2.conv_b.0": "branch2.b_pre",
    "branch2.conv_b.1": "branch2.b_pre_bn",
    "branch2.conv_b.2": "branch2.b",
}
NON_LOCAL = {k: k for k in ("conv_theta", "conv_phi", "conv_g", "conv_out")} | {"norm": "bn"}

# PyTorchVideo's blocks, which are ours too. `conv_t` of X3D's stem is the spatial convolution.
BLOCK_ROWS = (
    Row("blocks.0", "s1.pathway0_stem", STEM),
    Row("blocks.0.multipathway_blocks.{p}", "s1.pathway{p}_stem", STEM),
    Row("blocks.{s-1}.multipathway_fusion", "s{s}_fuse", FUSION),
    Row("blocks.{s-1}.res_blocks.{b}", "s{s}.pathway0_res{b}", BLOCK),
    Row("blocks.{s-1}.multipathway_blocks.{p}.res_blocks.{b}", "s{s}.pathway{p}_res{b}", BLOCK),
    Row("blocks.{s-1}.nonlocal_blocks.{b}", "s{s}.pathway0_nonlocal{b}", NON_LOCAL),
    Row(
        "blocks.{s-1}.multipathway_blocks.{p}.nonlocal_blocks.{b}",
        "s{s}.pathway{p}_nonlocal{b}",
        NON_LOCAL,
    ),
)
OUR_HEAD = {
    "projection": "projection",
    "pre_conv": "conv_5",
    "pre_norm": "conv_5_bn",
    "post_conv": "lin_5",
}
_OURS = name_table((Row("head", "head", OUR_HEAD), *BLOCK_ROWS))


def common_names_of_ours(names: Iterable[str]) -> dict[str, str]:
    """Map the names of the weights of our models to common names; names that only we have stay."""
    names = list(names)
    if any(name.startswith("backbone.blocks.0.depthwise.") for name in names):
        # EfficientNet-lite0 has one name, whether it is a slow pathway or a whole backbone.
        return {n: re.sub(r"^backbone\.", "backbone.slow.", n) for n in names}
    inner = {name: name.removeprefix("backbone.") for name in names}
    closed = close_gaps(inner.values())
    return {name: _OURS(closed[short]) or name for name, short in inner.items()}


def close_gaps(names: Iterable[str]) -> dict[str, str]:
    """Renumber `blocks.N` without the blocks that have no weights, such as I3D's pooling.

    >>> close_gaps(["blocks.0.conv.weight", "blocks.3.res_blocks.0.branch1_conv.weight"])
    {'blocks.0.conv.weight': 'blocks.0.conv.weight', \
'blocks.3.res_blocks.0.branch1_conv.weight': 'blocks.1.res_blocks.0.branch1_conv.weight'}
    """
    parts = {name: name.split(".", 2) for name in names}
    numbered = {name: p for name, p in parts.items() if len(p) == 3 and p[0] == "blocks"}
    indices = {p[1] for p in numbered.values() if p[1].isdecimal() and len(p[1]) < 4}
    rank = {index: k for k, index in enumerate(sorted(indices, key=int))}
    return {
        name: f"blocks.{rank[p[1]]}.{p[2]}" if name in numbered and p[1] in rank else name
        for name, p in parts.items()
    }
