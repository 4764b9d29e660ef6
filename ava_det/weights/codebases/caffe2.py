"""The `.pkl` files of PySlowFast's model zoo, which Caffe2 trained: arrays under `blobs`."""

import re
from collections.abc import Mapping
from typing import Any

from ava_det.structures import GREY_MEAN, GREY_STD
from ava_det.weights.foreign import Format, Origin, Tensors, by_table
from ava_det.weights.names import Row, name_table

# The last word of a name. A norm's scale is `s`, a convolution's weight is `w`.
PARAMETERS = {
    "w": "weight",
    "s": "weight",
    "b": "bias",
    "rm": "running_mean",
    "riv": "running_var",  # the variance itself, whatever the "i" stood for
}
STEM = {"conv1": "conv", "res_conv1_bn": "bn"}
BLOCK = {
    "branch1": "branch1",
    "branch1_bn": "branch1_bn",
    "branch2a": "branch2.a",
    "branch2a_bn": "branch2.a_bn",
    "branch2b": "branch2.b",
    "branch2b_bn": "branch2.b_bn",
    "branch2c": "branch2.c",
    "branch2c_bn": "branch2.c_bn",
}
NON_LOCAL = {
    "theta": "conv_theta",
    "phi": "conv_phi",
    "g": "conv_g",
    "out": "conv_out",
    "bn": "bn",
}
ROWS = (
    Row("", "s1.pathway0_stem", STEM),
    Row("t", "s1.pathway1_stem", STEM),  # "t" for the temporal, the fast pathway
    Row("t", "s1_fuse", {"pool1_subsample": "conv_f2s", "pool1_subsample_bn": "bn"}),
    Row("res{s}_{b}", "s{s}.pathway0_res{b}", BLOCK),
    Row("t_res{s}_{b}", "s{s}.pathway1_res{b}", BLOCK),
    Row(
        "t_res{s}_{b}",  # the connection leaves the last block of the stage
        "s{s}_fuse",
        {"branch2c_bn_subsample": "conv_f2s", "branch2c_bn_subsample_bn": "bn"},
    ),
    Row("nonlocal_conv{s}_{b}", "s{s}.pathway0_nonlocal{b}", NON_LOCAL),
    Row("", "head", {"pred": "projection"}),
)


def _origin(_: Mapping[str, Any], __: Tensors) -> Origin:
    """Return the facts in PySlowFast's `configs/*/c2`: always RGB clips and no alignment."""
    return Origin(GREY_MEAN, GREY_STD, wiring={"head.roi_align.aligned": False})


CAFFE2 = Format(
    title="Caffe2",
    mark=re.compile(r"(t_)?res\d_\d+_branch\d"),
    common_names=by_table(name_table(ROWS, separator="_", parameters=PARAMETERS)),
    origin=_origin,
    logged=re.compile(r".*_momentum|lr|model_iter"),
)
