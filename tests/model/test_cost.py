"""Counts against published ones. Convolutions cost in proportion to the area of the clip."""

import pytest
import torch
from torch import nn

from ava_det.model.cost import cost_of
from ava_det.model.zoo import build_classifier, build_detector

PUBLISHED = [  # architecture, frames, GMAC at 256, millions of parameters
    ("slow_r50", 4, 27.4, 32.45),
    ("slow_r50", 8, 54.8, 32.45),
    ("slowfast_r50", 32, 66.1, 34.57),
]


@pytest.mark.parametrize(("name", "frames", "gmac", "millions"), PUBLISHED)
def test_costs_are_the_published_ones(name, frames, gmac, millions):
    cost = cost_of(build_classifier(name, 400), frames, 32, 32)
    assert cost.macs * (256 / 32) ** 2 / 1e9 == pytest.approx(gmac, rel=0.01)
    assert cost.parameters / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.slow
def test_cost_at_full_size():
    cost = cost_of(build_classifier("slow_r50", 400), 4, 256, 256)
    assert cost.macs / 1e9 == pytest.approx(27.4, rel=0.01)


def test_a_convolution_by_hand():
    model = nn.Conv3d(3, 4, (1, 3, 3), padding=(0, 1, 1))
    cost = cost_of(model, 2, 8, 16)
    assert cost.macs == 2 * 8 * 16 * 4 * 3 * 9
    assert cost.parameters == 4 * 3 * 9 + 4


def test_a_detector_is_counted_with_one_person():
    model = build_detector("slowfast_tiny", 5, {"width": 8})
    clip = torch.zeros(1, 3, 8, 32, 32)
    backbone = cost_of(model.backbone, *clip.shape[2:]).macs
    assert cost_of(model, *clip.shape[2:]).macs == backbone + (256 + 32) * 5
