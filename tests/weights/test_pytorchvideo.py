"""PyTorchVideo's own networks and ours: the same weights give the same logits, both ways."""

import pytest
import torch
from pytorchvideo.models import hub
from torch import nn

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.weights.codebases.pytorchvideo import export
from ava_det.weights.load import load_weights
from ava_det.weights.torch_files import save_torch_file

SIDE = 64


def randomise(model: nn.Module) -> nn.Module:
    """Weights and norms at random, so that none can be mistaken for another."""
    for name, weight in model.state_dict().items():
        if weight.dim() > 1:
            nn.init.kaiming_normal_(weight)
        elif name.endswith("running_var"):
            weight.uniform_(0.8, 1.2)
        elif weight.is_floating_point():
            weight.normal_(0.2, 0.1)
    return model.eval()


def clips(*frames: int) -> list[torch.Tensor]:
    return [torch.randn(2, 3, t, SIDE, SIDE) for t in frames]


def ptv_slowfast_r50() -> nn.Module:
    pools = ((8, SIDE // 32, SIDE // 32), (32, SIDE // 32, SIDE // 32))
    return hub.slowfast_r50(head_pool_kernel_sizes=pools, model_num_class=7)


def ptv_slow_r50() -> nn.Module:
    net = hub.slow_r50(model_num_class=7)
    net.blocks[-1].pool = nn.AdaptiveAvgPool3d(1)  # in place of a window of 7 x 7 cells
    return net


def ptv_i3d_r50() -> nn.Module:
    net = hub.i3d_r50(model_num_class=7)
    net.blocks[-1].pool = nn.AdaptiveAvgPool3d(1)
    return net


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "architecture", "frames"),
    [
        (ptv_slowfast_r50, "slowfast_r50", (8, 32)),
        (ptv_slow_r50, "slow_r50", (8,)),
        (ptv_i3d_r50, "i3d_r50", (8,)),
    ],
)
def test_hub_classifiers_give_the_same_logits_here(tmp_path, network, architecture, frames):
    torch.manual_seed(0)
    theirs = randomise(network())
    save_torch_file(tmp_path / "hub.pyth", {"model_state": theirs.state_dict()})
    ours = build_classifier(architecture, 7).eval()
    report = load_weights(tmp_path / "hub.pyth", ours)
    assert not report.dropped
    assert not report.fresh
    given = clips(*frames)
    with torch.inference_mode():
        expected = theirs(list(given) if len(given) > 1 else given[0])
        torch.testing.assert_close(ours(given), expected, rtol=1e-4, atol=1e-3)
    assert expected.abs().max() > 0.1
    exported = export(ours)["model_state"]
    assert list(exported) == list(theirs.state_dict())
    again = network()
    again.load_state_dict(exported, strict=True)
    assert all(torch.equal(w, again.state_dict()[n]) for n, w in theirs.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["slow_r50", "slowfast_r50"])
def test_hub_detectors_give_the_same_logits_here(tmp_path, architecture):
    torch.manual_seed(0)
    frames = (4,) if architecture == "slow_r50" else (8, 32)
    options = {"head_pool_kernel_sizes": tuple((t, 1, 1) for t in frames)}
    options = options if len(frames) > 1 else {}
    network = getattr(hub, f"{architecture}_detection")
    theirs = randomise(network(head_activation=None, **options))
    save_torch_file(tmp_path / "hub.pyth", {"model_state": theirs.state_dict()})
    ours = build_detector(architecture, 80, aligned=False).eval()
    report = load_weights(tmp_path / "hub.pyth", ours)
    assert not report.dropped
    assert not report.fresh
    assert "note" not in str(report)
    given = clips(*frames)
    boxes = [torch.tensor([[4.0, 4.0, 40.0, 60.0], [10.5, 0.0, 63.0, 30.0]]), torch.ones(0, 4)]
    rois = torch.cat([torch.zeros(2, 1), boxes[0]], dim=1)
    with torch.inference_mode():
        expected = theirs(list(given) if len(given) > 1 else given[0], rois)
        torch.testing.assert_close(ours(given, boxes), expected, rtol=1e-4, atol=1e-3)
    assert expected.abs().max() > 0.1
    network(head_activation=None, **options).load_state_dict(export(ours)["model_state"])


def test_an_aligned_detector_is_told_that_theirs_is_not(tmp_path):
    detector = build_detector("slowfast_tiny", 4, {"width": 8}, aligned=True)
    save_torch_file(tmp_path / "a.pyth", export(detector))
    assert "note: head.roi_align.aligned is False there, True here" in str(
        load_weights(tmp_path / "a.pyth", detector)
    )


def test_a_model_that_pytorchvideo_does_not_have_is_not_exported():
    with torch.device("meta"):
        model = build_classifier("mvit_v2_s", 4)
    with pytest.raises(ValueError, match="PyTorchVideo has no names"):
        export(model)
