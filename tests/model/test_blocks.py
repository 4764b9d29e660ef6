"""Blocks of ours against torchvision's and against formulas, on random weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet34

from ava_det.model.blocks import NonLocalStage, bottleneck_stage, csn_stage
from ava_det.model.zoo import build_backbone


def randomize(model: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and statistics that keep activations near 1."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def our_name(name: str) -> str:
    """A name of torchvision's ResNet-34 in ours."""
    layers = {"conv1": "conv_a", "bn1": "norm_a", "conv2": "conv_b", "bn2": "norm_b"}
    parts = name.split(".")
    if parts[0] in ("conv1", "bn1"):
        return f"blocks.0.{'conv' if parts[0] == 'conv1' else 'norm'}.{parts[1]}"
    place = f"blocks.{parts[0].removeprefix('layer')}.res_blocks.{parts[1]}"
    if parts[2] == "downsample":
        return f"{place}.branch1_{'conv' if parts[3] == '0' else 'norm'}.{parts[4]}"
    return f"{place}.branch2.{layers[parts[2]]}.{parts[3]}"


@torch.no_grad()
def test_slow_r34_that_looks_at_single_frames_is_resnet34():
    images = randomize(resnet34())
    backbone = build_backbone("slow_r34").eval()
    own, weights = backbone.state_dict(), {}
    for name, value in images.state_dict().items():
        if name.startswith("fc."):
            continue
        weights[our_name(name)] = value
        if value.ndim == 4:  # in the middle frame of the kernel
            inflated = torch.zeros_like(own[our_name(name)])
            inflated[:, :, inflated.shape[2] // 2] = value
            weights[our_name(name)] = inflated
    backbone.load_state_dict(weights)

    clip = torch.randn(1, 3, 2, 64, 96)
    expected = images.maxpool(images.relu(images.bn1(images.conv1(clip[0].movedim(1, 0)))))
    for stage in (images.layer1, images.layer2, images.layer3, images.layer4):
        expected = stage(expected)
    torch.testing.assert_close(backbone(clip)[0][0].movedim(1, 0), expected, rtol=1e-4, atol=1e-4)


def test_slow_r34_looks_at_three_frames_in_res4_and_res5_only():
    with torch.device("meta"):
        weights = build_backbone("slow_r34").state_dict()
    kernels = {n: tuple(w.shape[2:]) for n, w in weights.items() if "conv_" in n}
    for name, kernel in kernels.items():
        three = "conv_a" in name and name.startswith(("blocks.3.", "blocks.4."))
        assert kernel == ((3 if three else 1), 3, 3), name


@torch.no_grad()
@pytest.mark.parametrize("preserved", [True, False])
def test_csn_block_against_its_formula(preserved):
    stage = randomize(csn_stage(8, 16, 1, (2, 2, 2), preserved, norm_eps=1e-3))
    block = stage.res_blocks[0]
    x = torch.randn(2, 8, 4, 6, 6)

    def norm(x, layer):
        moments = layer.running_mean, layer.running_var
        return F.batch_norm(x, *moments, layer.weight, layer.bias, eps=1e-3)

    inner, branch = x, block.branch2
    inner = norm(F.conv3d(inner, branch.conv_a.weight), branch.norm_a).relu()
    depthwise = branch.conv_b
    if preserved:
        inner = norm(F.conv3d(inner, branch.conv_b[0].weight), branch.conv_b[1])
        depthwise = branch.conv_b[2]
    inner = F.conv3d(inner, depthwise.weight, stride=2, padding=1, groups=4)
    inner = norm(F.conv3d(norm(inner, branch.norm_b).relu(), branch.conv_c.weight), branch.norm_c)
    shortcut = norm(F.conv3d(x, block.branch1_conv.weight, stride=2), block.branch1_norm)
    torch.testing.assert_close(stage(x), (inner + shortcut).relu())


@torch.no_grad()
@pytest.mark.parametrize("instantiation", ["softmax", "dot_product"])
@pytest.mark.parametrize("pool", [(1, 2, 2), (2, 2, 2)])
def test_non_local_block_against_its_formula(instantiation, pool):
    plain = randomize(bottleneck_stage(8, 8, [1, 1], stride=1))
    stage = NonLocalStage(plain, [0], 8, instantiation, pool)
    stage.load_state_dict(plain.state_dict(), strict=False)
    randomize(stage)
    x = torch.randn(2, 8, 2, 4, 4)
    first, second = stage.res_blocks
    block = stage.nonlocal_blocks["0"]

    y = first(x)
    keys = F.max_pool3d(y, pool)
    queries, phi, g = (
        (F.conv3d(v, c.weight, c.bias)).flatten(2)
        for v, c in ((y, block.conv_theta), (keys, block.conv_phi), (keys, block.conv_g))
    )
    affinity = queries.transpose(1, 2) @ phi
    affinity = (
        (affinity / 4**0.5).softmax(2)
        if instantiation == "softmax"
        else affinity / affinity.shape[2]
    )
    mixed = (g @ affinity.transpose(1, 2)).unflatten(2, (2, 4, 4))
    y = y + block.norm(F.conv3d(mixed, block.conv_out.weight, block.conv_out.bias))
    torch.testing.assert_close(stage(x), second(y))


@torch.no_grad()
def test_a_non_local_block_that_pools_last_against_its_formula():
    plain = randomize(bottleneck_stage(8, 8, [1], stride=1))
    stage = NonLocalStage(plain, [0], 8, "softmax", (1, 2, 2), pool_last=True)
    stage.load_state_dict(plain.state_dict(), strict=False)
    randomize(stage)
    x = torch.randn(2, 8, 2, 4, 4)
    block = stage.nonlocal_blocks["0"]
    assert block.conv_out.bias is None

    y = plain(x)
    queries = F.conv3d(y, block.conv_theta.weight, block.conv_theta.bias).flatten(2)
    phi, g = (
        F.max_pool3d(F.conv3d(y, c.weight, c.bias), (1, 2, 2)).flatten(2)
        for c in (block.conv_phi, block.conv_g)
    )
    affinity = (queries.transpose(1, 2) @ phi / 4**0.5).softmax(2)
    mixed = (g @ affinity.transpose(1, 2)).unflatten(2, (2, 4, 4))
    expected = y + block.norm(F.conv3d(mixed, block.conv_out.weight))
    torch.testing.assert_close(stage(x), expected)


@torch.no_grad()
def test_a_fresh_non_local_block_changes_nothing():
    plain = randomize(bottleneck_stage(8, 8, [1], stride=1))
    x = torch.randn(1, 8, 2, 4, 4)
    expected = plain(x)
    stage = NonLocalStage(plain, [0], 8, "softmax", (1, 2, 2)).eval()
    torch.testing.assert_close(stage(x), expected)


@pytest.mark.parametrize("name", ["slow_r34", "slow_r50", "ip_csn_r50"])
def test_fresh_residual_branches_start_at_zero(name):
    for block in build_backbone(name).blocks[1].res_blocks:
        final = getattr(block.branch2, "norm_c", block.branch2.norm_b)
        assert not final.weight.any()


def test_x3d_trains():
    backbone = build_backbone("x3d_s")
    backbone(torch.randn(2, 3, 2, 32, 32))[0].square().mean().backward()
    missing = [n for n, p in backbone.named_parameters() if p.grad is None]
    assert not missing
