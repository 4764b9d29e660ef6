"""Weights move by name, and nothing is silently left behind."""

import pytest
import torch

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.weights.transfer import transfer


@pytest.fixture
def pretrained():
    torch.manual_seed(0)
    return build_classifier("slowfast_tiny", num_classes=5, arguments={"width": 8}).state_dict()


@pytest.fixture
def detector():
    torch.manual_seed(1)
    return build_detector("slowfast_tiny", num_classes=7, arguments={"width": 8})


def test_the_whole_backbone_is_taken_over_and_the_head_is_fresh(pretrained, detector):
    head = detector.head.projection.weight.clone()
    report = transfer(detector, pretrained, fresh=("head.",))
    assert (
        set(report.dropped)
        == set(report.fresh)
        == {
            "head.projection.weight",
            "head.projection.bias",
        }
    )
    for name, value in detector.backbone.state_dict().items():
        assert torch.equal(value, pretrained[f"backbone.{name}"]), name
    assert torch.equal(detector.head.projection.weight, head)
    assert f"{len(report.loaded)} loaded" in str(report)
    assert "2 fresh: head.projection.weight, head.projection.bias" in str(report)


def test_a_shape_that_differs_is_an_error_and_loads_nothing(pretrained, detector):
    before = {k: v.clone() for k, v in detector.state_dict().items()}
    with pytest.raises(ValueError, match=r"head\.projection\.weight has shape \(5, 288\)"):
        transfer(detector, pretrained)
    assert all(torch.equal(v, before[k]) for k, v in detector.state_dict().items())


@pytest.mark.parametrize("where", ["file", "model"])
def test_a_missing_name_is_an_error(pretrained, detector, where):
    if where == "file":
        pretrained.pop("backbone.blocks.0.multipathway_blocks.0.conv.weight")
    else:
        pretrained["backbone.extra"] = torch.zeros(1)
    with pytest.raises(ValueError, match=f"is not in the {where}"):
        transfer(detector, pretrained, fresh=("head.",))
