"""Clips in, one feature map a pathway out."""

import pytest
import torch
from torch import nn
from torchvision.models.video.mvit import MSBlockConfig, MViT

from ava_det.model.mvit import TokenBackbone
from ava_det.model.zoo import build_backbone

TINY = {"width": 8}


@torch.no_grad()
def test_a_clip_and_its_pathways_give_the_same_maps():
    backbone = build_backbone("slowfast_tiny", TINY).eval()
    clip = torch.randn(1, 3, 8, 32, 32)
    pathways = backbone.split(clip)
    given = list(pathways)
    for whole, split in zip(backbone(clip), backbone(given), strict=True):
        assert torch.equal(whole, split)
    assert all(a is b for a, b in zip(given, pathways, strict=True))  # the list is left alone


@torch.no_grad()
@pytest.mark.parametrize("dilation", [1, 2])
def test_kept_resolution_looks_at_the_same_places(dilation):
    """Undilated, every other cell is the strided stage's, where a stage has one block."""
    torch.manual_seed(0)
    strided = build_backbone("slowfast_tiny", TINY).eval()
    for name, norm in strided.named_modules():
        if name.endswith("norm_c"):  # fresh branches are at zero
            nn.init.ones_(norm.weight)
    kept = build_backbone("slowfast_tiny", TINY, dilation).eval()
    kept.load_state_dict(strided.state_dict())
    clip = torch.randn(1, 3, 8, 64, 64)
    same = [
        torch.allclose(few, many[..., ::2, ::2], atol=1e-5)
        for few, many in zip(strided(clip), kept(clip), strict=True)
    ]
    assert same == [dilation == 1] * 2


def small_mvit(size, rel_pos=True):
    torch.manual_seed(0)
    blocks = [
        MSBlockConfig(1, 12, 12, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 4, 4]),
        MSBlockConfig(2, 12, 24, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 2, 2]),
        MSBlockConfig(2, 24, 24, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 2, 2]),
    ]
    return MViT(
        (size, size), 4, blocks, residual_pool=True, residual_with_cls_embed=False,
        rel_pos_embed=rel_pos, proj_after_attn=True, num_classes=5,
    ).eval()  # fmt: skip


@torch.no_grad()
def test_class_token_is_what_torchvision_classifies_by():
    net = small_mvit(64)
    clip = torch.randn(2, 3, 4, 64, 64)
    expected = net(clip)
    token = TokenBackbone(net, channels=24, class_token=True)(clip)
    assert [tuple(t.shape) for t in token] == [(2, 24, 1, 1, 1)]
    torch.testing.assert_close(net.head(token[0].flatten(1)), expected)


@torch.no_grad()
def test_tokens_go_back_to_their_places():
    backbone = TokenBackbone(small_mvit(64), channels=24, class_token=False)
    backbone.blocks, backbone.norm = nn.ModuleList(), nn.Identity()
    clip = torch.randn(1, 3, 4, 64, 96)
    assert torch.equal(backbone([clip])[0], backbone.conv_proj(clip))


@torch.no_grad()
@pytest.mark.parametrize(
    ("clip", "cells"),
    [((4, 64, 64), (2, 8, 8)), ((4, 96, 64), (2, 12, 8)), ((8, 90, 131), (4, 12, 17))],
)
def test_other_sizes_are_taken(clip, cells):
    backbone = TokenBackbone(small_mvit(64), channels=24, class_token=False)
    assert backbone(torch.randn(1, 3, *clip))[0].shape == (1, 24, *cells)


def test_absolute_positions_are_refused():
    with pytest.raises(ValueError, match="clips of one size only"):
        TokenBackbone(small_mvit(64, rel_pos=False), channels=24, class_token=False)


def test_mvit_has_torchvisions_names():
    with torch.device("meta"):
        names = build_backbone("mvit_v2_s").state_dict().keys()
    assert {n.split(".")[0] for n in names} == {"conv_proj", "pos_encoding", "blocks", "norm"}
    assert "blocks.15.attn.rel_pos_t" in names
