"""A model with folded batch norms computes what it did; channels go last whatever the rank."""

import copy

import pytest
import torch
from detectron2.layers import FrozenBatchNorm2d
from detectron2.modeling import FPN
from torch import nn

from ava_det.model.faster_rcnn import build_person_detector
from ava_det.model.inference import channels_last, fold_norms


def with_lived_norms(model: nn.Module) -> nn.Module:
    """The model, its norms as if they had been trained."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | FrozenBatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 2.0)
            for tensor in (module.bias, module.running_mean):
                nn.init.uniform_(tensor, -0.5, 0.5)
    return model


DETECTORS = [
    ("faster_rcnn_mobilenet", {"channels": 16}),
    ("faster_rcnn_tiny", {"width": 8}),
    ("faster_rcnn_r50", {"norm": "FrozenBN"}),
]


@pytest.fixture(params=DETECTORS, ids=[name for name, _ in DETECTORS], scope="module")
def detector(request):
    torch.manual_seed(0)
    return with_lived_norms(build_person_detector(*request.param)).eval()


def pyramid(model: nn.Module) -> FPN:
    assert isinstance(model.backbone, FPN)
    return model.backbone


@pytest.mark.slow
@pytest.mark.holds("13.4 folded norms compute the same, none is left, in the FPN's lists neither")
def test_a_backbone_without_norms_has_the_same_features(detector):
    plain = copy.deepcopy(detector).double()
    folded = channels_last(fold_norms(plain))
    assert not any(isinstance(m, nn.BatchNorm2d | FrozenBatchNorm2d) for m in folded.modules())
    images = 50 * torch.randn(2, 3, 96, 128).double()
    with torch.inference_mode():
        expected, found = plain.backbone(images), folded.backbone(images)
    assert set(found) == set(expected)
    for level, features in expected.items():
        torch.testing.assert_close(found[level], features, rtol=1e-5, atol=1e-5 * features.std())


@pytest.mark.holds("13.4 what the FPN computes with is what is registered, and moves with it")
def test_what_computes_is_what_moves(detector):
    fpn = pyramid(fold_norms(detector))
    for listed in (*fpn.lateral_convs, *fpn.output_convs):
        assert listed.norm is None
        assert any(listed is child for child in fpn.children())
    assert len(fpn.lateral_convs) == len(fpn.output_convs) == len(pyramid(detector).lateral_convs)
    images = torch.ones(1, 3, 64, 64).double()
    assert all(x.dtype == torch.float64 for x in fpn.double()(images).values())
    assert all(x.is_meta for x in fpn.to("meta")(images.to("meta")).values())
    used = [m for convs in (fpn.lateral_convs, fpn.output_convs) for m in convs]
    assert all(p.is_meta for conv in used for p in conv.parameters())


@pytest.mark.slow
@pytest.mark.holds("13.4 a folded FPN is traced with the weights that it computes with")
def test_a_folded_pyramid_is_traced(detector):
    fpn = pyramid(fold_norms(detector))
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        traced = torch.jit.trace(fpn, images, strict=False)  # an FPN returns a dict
        found, expected = traced(images), fpn(images)
    assert set(found) == set(expected)
    for level, features in expected.items():
        torch.testing.assert_close(found[level], features)


def test_a_shared_activation_lies_between():
    """The list of children leaves out what comes twice; the order of the layers does not."""
    relu = nn.ReLU()
    given = nn.Sequential(nn.Conv2d(3, 4, 1), relu, nn.Conv2d(4, 4, 1), relu, nn.BatchNorm2d(4))
    given = with_lived_norms(given).eval()
    images = torch.randn(1, 3, 8, 8)
    assert torch.equal(fold_norms(given)(images), given(images))


def test_a_shared_convolution_keeps_its_norms():
    conv = nn.Conv2d(3, 3, 1)
    pair = [nn.Sequential(conv, nn.BatchNorm2d(3)), nn.Sequential(conv, nn.BatchNorm2d(3))]
    given = with_lived_norms(nn.Sequential(*pair)).eval()
    images = torch.randn(1, 3, 8, 8)
    assert torch.equal(fold_norms(given)(images), given(images))


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


@pytest.mark.parametrize("size", [(96, 128), (90, 125)])
def test_people_without_norms_have_the_same_maps(size):
    torch.manual_seed(0)
    plain = with_lived_norms(build_person_detector("center_pose_lite", {"channels": 16}))
    plain = plain.eval().double()
    nn.init.normal_(plain.outputs.weight)
    folded = channels_last(fold_norms(plain))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    images = 255 * torch.rand(2, 3, *size).double()
    with torch.inference_mode():
        for found, expected in zip(folded(images), plain(images), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * expected.std())
