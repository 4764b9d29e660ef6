"""Every architecture, against PyTorchVideo's own builders; shapes are traced without numbers."""

import numpy as np
import pytest
import torch
from lanes import slow_but
from pytorchvideo.models import hub
from pytorchvideo.models.csn import create_csn
from pytorchvideo.models.slowfast import create_slowfast
from torch import nn

from ava_det.model.detector import as_rois
from ava_det.model.zoo import (
    ARCHITECTURES,
    build_backbone,
    build_classifier,
    build_detector,
)

TWO_PATHWAYS = {"slowfast_tiny", "slowfast_r50", "slowfast_r101"}
CHANNELS = {"slow_r34": (512,), "mvit_v2_s": (768,), "slowfast_tiny": (1024, 128)}
CHANNELS |= {name: (192,) for name in ("x3d_s", "x3d_m", "x3d_l")}
LITE = "slowfast_lite"  # has a test of its own
FAST = "slowfast_tiny", "slowfast_r50", "slow_r50", "x3d_s", "mvit_v2_s"
FRAMES = {
    "c2d_r50": 8,
    "i3d_r50": 8,
    "i3d_r101": 8,
    "mvit_v2_s": 8,
}  # of 16; all others but CSN keep them
FRAMES |= {f"{kind}_csn_r{depth}": 2 for kind in ("ip", "ir") for depth in (50, 101, 152)}


@pytest.fixture
def _without_numbers():
    with torch.device("meta"):
        yield


without_numbers = pytest.mark.usefixtures("_without_numbers")


@without_numbers
@pytest.mark.parametrize(
    "name", slow_but([name for name in ARCHITECTURES if name != LITE], FAST.__contains__)
)
def test_feature_maps_and_logits(name):
    clip = torch.zeros(2, 3, 16, 64, 96)
    boxes = [torch.zeros(3, 4), torch.zeros(0, 4)]
    channels = CHANNELS.get(name, (2048, 256) if name in TWO_PATHWAYS else (2048,))
    frames = (4, 16) if name in TWO_PATHWAYS else (FRAMES.get(name, 16),)

    for dilation, cells in ((None, (2, 3)), (2, (4, 6))):
        if name == "mvit_v2_s" and dilation is not None:
            continue
        detector = build_detector(name, 7, dilation=dilation)
        maps = detector.backbone(clip)
        assert [tuple(m.shape) for m in maps] == [
            (2, c, t, *cells) for c, t in zip(channels, frames, strict=True)
        ]
        assert detector.backbone.out_channels == channels
        assert detector.backbone.stride == 64 // cells[0]
        assert detector.head.roi_align.spatial_scale == 1 / detector.backbone.stride
        assert detector.head(maps, as_rois(boxes)).shape == (3, 7)
    classifier = build_classifier(name, 5)
    assert classifier.head([torch.zeros(2, c, 2, 3, 3) for c in channels]).shape == (2, 5)


def layers(model: nn.Module) -> dict[str, tuple]:
    """What every convolution, norm and pooling of a model is, by name."""
    named = {}
    for name, layer in model.named_modules():
        said: tuple = (type(layer).__name__,)
        if isinstance(layer, nn.Conv3d):
            said += (layer.in_channels, layer.out_channels, layer.groups, layer.bias is None)
            said += (tuple(map(int, layer.dilation)),)
        if isinstance(layer, nn.Conv3d | nn.MaxPool3d):
            for sides in (layer.kernel_size, layer.stride, layer.padding):
                said += (tuple(np.broadcast_to(sides, 3).tolist()),)
        if isinstance(layer, nn.BatchNorm3d):
            said += (layer.num_features, layer.eps)
        if len(said) > 1:
            named[name.removeprefix("model.")] = said
    return named


@pytest.mark.slow
@without_numbers
@pytest.mark.parametrize(
    ("name", "arguments", "dilation", "published"),
    [
        ("slow_r50", {}, None, hub.slow_r50),
        ("slow_r50", {}, 2, hub.slow_r50_detection),
        ("i3d_r50", {}, None, hub.i3d_r50),
        ("c2d_r50", {}, None, hub.c2d_r50),
        ("slowfast_r50", {}, None, hub.slowfast_r50),
        ("slowfast_r50", {}, 2, hub.slowfast_r50_detection),
        ("slowfast_r101", {}, None, hub.slowfast_r101),
        (
            "slowfast_r101",
            {"temporal_blocks": [6, 6]},
            None,
            hub.slowfast_16x8_r101_50_50,
        ),
        ("ir_csn_r101", {}, None, hub.csn_r101),
        ("x3d_s", {}, None, hub.x3d_s),
        ("x3d_m", {}, None, hub.x3d_m),
        ("x3d_l", {}, None, hub.x3d_l),
        (
            "slowfast_tiny",
            {},
            None,
            lambda: create_slowfast(model_depth=18, stem_dim_outs=(32, 4)),
        ),
    ],
)
def test_layers_and_names_are_pytorchvideos(name, arguments, dilation, published):
    ours = build_backbone(name, arguments, dilation)
    theirs = layers(published())
    heads = {n for n in theirs if not n.startswith(tuple(f"blocks.{k}." for k in range(5)))}
    pool = {"blocks.2"} if name in ("i3d_r50", "c2d_r50") else set()
    if pool:  # its stages are numbered on
        heads = {n for n in heads if not n.startswith(("blocks.2", "blocks.5."))}
    assert layers(ours) == {n: layer for n, layer in theirs.items() if n not in heads}
    assert pool <= layers(ours).keys()


@without_numbers
def test_ip_csn_is_ir_csn_with_a_convolution_and_a_norm_more_in_each_block():
    ir, ip = (layers(b) for b in (create_csn(stem_pool=nn.MaxPool3d), build_backbone("ip_csn_r50")))
    added = [n for n in ip if n.endswith((".conv_b.0", ".conv_b.1"))]
    assert len(added) == 2 * (3 + 4 + 6 + 3)
    assert {ip[n][6] for n in added[::2]} == {(1, 1, 1)}  # kernels
    rest = {n.removesuffix(".2"): layer for n, layer in ip.items() if n not in added}
    assert rest == {n: (*s[:-1], 1e-3) if s[0] == "BatchNorm3d" else s for n, s in ir.items()}


@without_numbers
@pytest.mark.parametrize(("alpha", "kernel"), [(4, 7), (8, 5)])
def test_slowfast_4x16_and_8x8_look_at_as_many_frames_as_published(alpha, kernel):
    backbone = build_backbone("slowfast_r50", {"alpha": alpha})
    fusions = [b.multipathway_fusion.conv_fast_to_slow for b in list(backbone.blocks)[:4]]
    assert {f.kernel_size for f in fusions} == {(kernel, 1, 1)}
    assert {f.stride for f in fusions} == {(alpha, 1, 1)}


def test_fusion_as_in_mmaction2_is_a_bare_convolution():
    backbone = build_backbone("slowfast_r50", {"fusion_norm": False, "slow_from_first": True})
    fusions = [n for n in backbone.state_dict() if "fusion" in n]
    assert fusions == [f"blocks.{k}.multipathway_fusion.conv_fast_to_slow.weight" for k in range(4)]
    assert backbone.split.slow_indices(32).tolist() == list(range(0, 32, 4))


@without_numbers
def test_non_local_blocks_leave_the_names_of_the_others():
    places = {"res3": [1, 3], "res4": [0]}
    for name, inside in (("slow_r50", ""), ("slowfast_r50", "multipathway_blocks.0.")):
        plain = build_backbone(name).state_dict().keys()
        added = build_backbone(name, {"non_local": places}).state_dict().keys() - plain
        assert {n.rsplit(".", 2)[0] for n in added} == {
            f"blocks.{stage}.{inside}nonlocal_blocks.{place}"
            for stage, place in ((2, 1), (2, 3), (3, 0))
        }


@without_numbers
def test_i3d_convolves_in_time_in_every_other_block():
    """PySlowFast's `_TEMPORAL_KERNEL_BASIS` of I3D, repeated over a stage, at both depths."""
    for name, depths in (("i3d_r50", (3, 4, 6, 3)), ("i3d_r101", (3, 4, 23, 3))):
        stages = [b for b in build_backbone(name).blocks[1:] if hasattr(b, "res_blocks")]
        for stage, basis, depth in zip(stages, ([3], [3, 1], [3, 1], [1, 3]), depths, strict=True):
            kernels = [b.branch2.conv_a.kernel_size[0] for b in stage.res_blocks]
            assert kernels == (basis * depth)[:depth]


@without_numbers
def test_early_strides_take_frames_away():
    clip = torch.zeros(1, 3, 32, 64, 64)
    maps = build_backbone("i3d_r50", {"early_strides": [2, 2]})(clip)
    assert maps[0].shape == (1, 2048, 4, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"architecture": "resnet"}, "unknown architecture 'resnet'; known: slowfast_lite, "),
        ({"architecture": "slow_r50", "arguments": {"alpha": 4}}, "slow_r50 takes no argument alp"),
        ({"architecture": "mvit_v2_s"}, "keeps its stride of 32: set dilation to None"),
        (
            {"architecture": "slow_r50", "arguments": {"non_local": {"res3": [4]}}},
            "no block 4 in a stage of 4",
        ),
        (
            {"architecture": "slowfast_r50", "arguments": {"non_local": {"res6": [0]}}},
            "no stage 'res6'; known: res2, res3, res4, res5",
        ),
    ],
)
def test_what_cannot_be_built_is_said(arguments, said):
    with pytest.raises(ValueError, match=said):
        build_detector(num_classes=2, **arguments)
