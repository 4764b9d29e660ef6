"""Names: literal ones of every codebase, and whole networks against recorded lists."""

import json
import re
from pathlib import Path

import pytest
import torch
from detectron2.config import LazyConfig, instantiate

from ava_det.model.zoo import build_classifier
from ava_det.weights.codebases.caffe2 import CAFFE2
from ava_det.weights.codebases.imagenet import IMAGENET
from ava_det.weights.codebases.mmaction2 import MMACTION2
from ava_det.weights.codebases.pytorchvideo import PYTORCHVIDEO
from ava_det.weights.load import FORMATS
from ava_det.weights.names import close_gaps, common_names_of_ours

PUBLISHED = Path(__file__).resolve().parents[2] / "configs" / "published"
KINDS = [
    "ava_slowfast_r101_8x8",
    "kinetics_i3d_nln_r50_8x8",
    "kinetics_ip_csn_r50_8x8",
    "kinetics_slow_r34_8x8",
    "kinetics_x3d_s",
    "kinetics_x3d_s_pyslowfast",
    "mm_kinetics_slowfast_r50_8x8",
]

# Names as they stand in published files and in comments of the codebases' converters.
LITERAL = [
    (CAFFE2, "conv1_w", "s1.pathway0_stem.conv.weight"),
    (CAFFE2, "res_conv1_bn_riv", "s1.pathway0_stem.bn.running_var"),
    (CAFFE2, "t_res_conv1_bn_rm", "s1.pathway1_stem.bn.running_mean"),
    (CAFFE2, "res4_0_branch1_w", "s4.pathway0_res0.branch1.weight"),
    (CAFFE2, "res4_4_branch2c_bn_b", "s4.pathway0_res4.branch2.c_bn.bias"),
    (CAFFE2, "t_res5_2_branch2a_bn_s", "s5.pathway1_res2.branch2.a_bn.weight"),
    (CAFFE2, "t_pool1_subsample_w", "s1_fuse.conv_f2s.weight"),
    (CAFFE2, "t_pool1_subsample_bn_rm", "s1_fuse.bn.running_mean"),
    (CAFFE2, "t_res4_5_branch2c_bn_subsample_w", "s4_fuse.conv_f2s.weight"),
    (CAFFE2, "t_res4_5_branch2c_bn_subsample_bn_riv", "s4_fuse.bn.running_var"),
    (CAFFE2, "nonlocal_conv3_1_theta_w", "s3.pathway0_nonlocal1.conv_theta.weight"),
    (CAFFE2, "nonlocal_conv4_5_bn_s", "s4.pathway0_nonlocal5.bn.weight"),
    (CAFFE2, "pred_b", "head.projection.bias"),
    (MMACTION2, "backbone.conv1.conv.weight", "s1.pathway0_stem.conv.weight"),
    (MMACTION2, "backbone.layer1.0.downsample.bn.bias", "s2.pathway0_res0.branch1_bn.bias"),
    (MMACTION2, "backbone.layer4.2.conv3.conv.weight", "s5.pathway0_res2.branch2.c.weight"),
    (
        MMACTION2,
        "backbone.fast_path.layer3.5.conv2.bn.running_var",
        "s4.pathway1_res5.branch2.b_bn.running_var",
    ),
    (MMACTION2, "backbone.slow_path.conv1_lateral.conv.weight", "s1_fuse.conv_f2s.weight"),
    (MMACTION2, "backbone.slow_path.layer3_lateral.conv.weight", "s4_fuse.conv_f2s.weight"),
    (
        MMACTION2,
        "backbone.layer2.1.non_local_block.phi.0.conv.weight",
        "s3.pathway0_nonlocal1.conv_phi.weight",
    ),
    (MMACTION2, "backbone.conv1_t.bn.weight", "s1.pathway0_stem.bn.weight"),
    (
        MMACTION2,
        "backbone.layer2.0.se_module.fc2.bias",
        "s3.pathway0_res0.branch2.se.fc2.bias",
    ),
    (MMACTION2, "cls_head.fc2.weight", "head.projection.weight"),
    (MMACTION2, "roi_head.bbox_head.fc_cls.weight", "head.projection.weight"),
    (PYTORCHVIDEO, "blocks.0.conv.conv_t.weight", "s1.pathway0_stem.conv_xy.weight"),
    (
        PYTORCHVIDEO,
        "blocks.0.multipathway_fusion.conv_fast_to_slow.weight",
        "s1_fuse.conv_f2s.weight",
    ),
    (
        PYTORCHVIDEO,
        "model.blocks.0.multipathway_blocks.1.norm.weight",
        "s1.pathway1_stem.bn.weight",
    ),
    (PYTORCHVIDEO, "blocks.6.proj.weight", "head.projection.weight"),
    (PYTORCHVIDEO, "detection_head.proj.bias", "head.projection.bias"),
    (IMAGENET, "conv1.weight", "s1.pathway0_stem.conv.weight"),
    (IMAGENET, "layer3.5.bn2.running_mean", "s4.pathway0_res5.branch2.b_bn.running_mean"),
    (IMAGENET, "layer1.0.downsample.0.weight", "s2.pathway0_res0.branch1.weight"),
    (IMAGENET, "fc.bias", "head.projection.bias"),
]


@pytest.mark.parametrize(("format_", "theirs", "common"), LITERAL, ids=lambda x: str(x)[:40])
def test_a_literal_name(format_, theirs, common):
    assert format_.common_names([theirs]) == {theirs: common}


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "s2",
        "backbone",
        "blocks.1",
        "layer1.0",
        "layer1.0.conv1.momentum",
        "res2_0_branch2d_w",
        "t_res2_0_branch2a_bn_",
        "blocks." + "9" * 5000 + ".res_blocks.0.branch1_conv.weight",
        "blocks.1.res_blocks." + "9" * 5000 + ".branch1_conv.weight",
        "backbone.layer1.0.conv4.conv.weight",
    ],
)
def test_a_name_that_no_table_has_is_not_guessed(name):
    for format_ in (CAFFE2, MMACTION2, PYTORCHVIDEO, IMAGENET):
        assert format_.common_names([name]) == {}
    assert common_names_of_ours([name]) == {name: name}


def test_in_a_network_of_depth_152_blocks_have_two_digits():
    theirs = "backbone.layer3.35.conv1.conv.weight"
    assert MMACTION2.common_names([theirs])[theirs] == "s4.pathway0_res35.branch2.a.weight"


def test_separable_blocks_of_both_kinds():
    """ip-CSN has a convolution before the one within channels, ir-CSN has not."""
    ip = ["backbone.layer1.0.conv2.0.conv.weight", "backbone.layer1.0.conv2.1.conv.weight"]
    block = "s2.pathway0_res0.branch2"
    assert list(MMACTION2.common_names(ip).values()) == [
        f"{block}.b_pre.weight",
        f"{block}.b.weight",
    ]
    assert MMACTION2.common_names(ip[:1]) == {ip[0]: f"{block}.b.weight"}


@pytest.mark.parametrize(
    ("architecture", "case"),
    [
        ("slow_r50", "kinetics_slow_r50_8x8"),
        ("slowfast_r50", "kinetics_slowfast_r50_8x8"),
        ("i3d_r50", "kinetics_i3d_r50_8x8"),
    ],
)
def test_our_networks_have_the_names_and_shapes_that_pyslowfast_recorded(
    shared, architecture, case
):
    file = shared / "reference" / "pyslowfast" / f"{case}.json"
    recorded = {name: tuple(shape) for name, shape in json.loads(file.read_text())["parameters"]}
    with torch.device("meta"):
        weights = build_classifier(architecture, 400).state_dict()
    common = common_names_of_ours(weights)
    assert {common[name]: tuple(weight.shape) for name, weight in weights.items()} == recorded


@pytest.mark.parametrize("config", KINDS)
def test_every_weight_of_a_published_model_has_a_name_of_its_own(config):
    with torch.device("meta"):
        model = instantiate(LazyConfig.load(str(PUBLISHED / f"{config}.py")).model)
    common = common_names_of_ours(model.state_dict())
    assert len(set(common.values())) == len(common)
    known = re.compile(r"s[1-5](\.pathway[01]_(stem|res\d+|nonlocal\d+)|_fuse)\..+|head\..+")
    assert all(known.fullmatch(name) for name in common.values())


def test_gaps_are_closed():
    names = ["blocks.0.a", "blocks.1.a", "blocks.3.a", "blocks.x.a", "blocks", "other.7.a"]
    closed = ["blocks.0.a", "blocks.1.a", "blocks.2.a", "blocks.x.a", "blocks", "other.7.a"]
    assert list(close_gaps(names).values()) == closed


def test_formats_do_not_take_each_others_names():
    """Each literal name is recognised by its own format before any other."""
    for format_, theirs, _ in LITERAL:
        owner = next((f for f in FORMATS if f.mark.match(theirs)), format_)
        assert owner is format_, theirs
