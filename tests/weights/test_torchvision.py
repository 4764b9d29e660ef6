"""torchvision's image networks, inflated, and its MViT."""

import pytest
import torch
from torchvision.models import resnet34, resnet50
from torchvision.models.video import mvit_v2_s

from ava_det.model.zoo import build_classifier
from ava_det.structures import InputError
from ava_det.weights.codebases.imagenet import inflate
from ava_det.weights.load import HEAD, load_weights


def test_an_inflated_filter_answers_a_still_clip_as_the_filter_answers_the_image():
    weight, image = torch.randn(4, 3, 3, 3), torch.randn(1, 3, 8, 8)
    inflated = inflate(weight, (4, 3, 5, 3, 3))
    clip = image[:, :, None].expand(-1, -1, 5, -1, -1)
    expected = torch.nn.functional.conv2d(image, weight)
    torch.testing.assert_close(
        torch.nn.functional.conv3d(clip, inflated)[:, :, 0], expected, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("shape", [(4, 3, 3, 3), (4, 5, 3, 3, 3), (4, 3, 3, 3, 1), (4,)])
def test_what_is_no_inflation_is_left_alone(shape):
    weight = torch.randn(4, 3, 3, 3)
    assert inflate(weight, shape) is weight


@pytest.mark.slow
@pytest.mark.parametrize(
    ("images", "architecture"),
    [(resnet34, "slow_r34"), (resnet50, "slow_r50"), (resnet50, "i3d_r50")],
)
def test_image_networks_become_clip_networks(tmp_path, images, architecture):
    torch.manual_seed(0)
    net = images()
    torch.save(net.state_dict(), tmp_path / "resnet.pth")
    model = build_classifier(architecture, 4)
    report = load_weights(tmp_path / "resnet.pth", model, fresh=HEAD)
    assert (
        set(report.fresh)
        == set(report.dropped)
        == {
            "head.projection.weight",
            "head.projection.bias",
        }
    )
    convolutions = sum(w.dim() == 4 for w in net.state_dict().values())
    assert f"{convolutions} inflated in time" in str(report)
    assert "note: pixels have mean 0.485/0.456/0.406 there" in str(report)
    blocks = model.backbone.blocks
    torch.testing.assert_close(blocks[0].conv.weight.sum(2), net.conv1.weight)
    last = blocks[-1].res_blocks[2].branch2
    torch.testing.assert_close(last.conv_a.weight.sum(2), net.layer4[2].conv1.weight)
    assert torch.equal(last.norm_b.running_var, net.layer4[2].bn2.running_var)


def test_an_image_network_has_no_fast_pathway(tmp_path):
    torch.save(resnet50().state_dict(), tmp_path / "resnet.pth")
    model = build_classifier("slowfast_r50", 4)
    with pytest.raises(InputError, match=r"multipathway_blocks\.1.* is not in the file"):
        load_weights(tmp_path / "resnet.pth", model, fresh=HEAD)


@pytest.mark.slow
def test_mvit_with_its_head(tmp_path):
    torch.manual_seed(0)
    net = mvit_v2_s(num_classes=6)
    torch.save(net.state_dict(), tmp_path / "mvit.pth")
    model = build_classifier("mvit_v2_s", 6)
    report = load_weights(tmp_path / "mvit.pth", model)
    assert not report.dropped
    assert not report.fresh
    assert torch.equal(model.head.projection.weight, net.head[1].weight)
    assert torch.equal(model.backbone.conv_proj.weight, net.conv_proj.weight)
    assert torch.equal(model.backbone.blocks[3].attn.qkv.weight, net.blocks[3].attn.qkv.weight)
