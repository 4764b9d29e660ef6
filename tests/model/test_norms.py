"""Folded batch norms compute what was there; channels go last whatever the rank."""

import pytest
import torch
from torch import nn

from ava_det.model.norms import channels_last, fold_norms
from ava_det.model.persons import build_person_detector


def with_lived_norms(model: nn.Module) -> nn.Module:
    """The model, its norms as if they had been trained."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 2.0)
            for tensor in (module.bias, module.running_mean):
                nn.init.uniform_(tensor, -0.5, 0.5)
    return model


@pytest.mark.parametrize(
    ("name", "arguments"), [("faster_rcnn_mobilenet", {}), ("faster_rcnn_tiny", {"width": 8})]
)
def test_a_backbone_without_norms_has_the_same_features(name, arguments):
    torch.manual_seed(0)
    plain = with_lived_norms(build_person_detector(name, arguments)).eval()
    folded = channels_last(fold_norms(plain))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    images = 50 * torch.randn(2, 3, 96, 128)
    with torch.inference_mode():
        expected, found = plain.backbone(images), folded.backbone(images)
    assert set(found) == {"p3", "p4", "p5", "p6"}
    for level, features in expected.items():
        torch.testing.assert_close(found[level], features, rtol=1e-3, atol=1e-3 * features.std())


def test_the_given_module_keeps_its_norms_and_mode():
    given = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    before = given[0].weight.clone()
    assert isinstance(fold_norms(given)[1], nn.Identity)
    assert given.training
    assert isinstance(given[1], nn.BatchNorm2d)
    assert torch.equal(given[0].weight, before)


def test_a_norm_before_its_convolution_stays():
    given = with_lived_norms(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3))).eval()
    folded = fold_norms(given)
    assert isinstance(folded[0], nn.BatchNorm2d)
    images = torch.randn(1, 3, 8, 8)
    assert torch.equal(folded(images), given(images))


def test_channels_are_last_in_memory():
    model = nn.ModuleList([nn.Conv2d(3, 4, 2), nn.Conv3d(3, 4, 2), nn.Linear(3, 4)])
    assert channels_last(model) is model
    assert model[0].weight.stride() == (12, 1, 6, 3)  # (4, 3, 2, 2) as N H W C
    assert model[1].weight.stride() == (24, 1, 12, 6, 3)
    assert model[2].weight.stride() == (3, 1)
