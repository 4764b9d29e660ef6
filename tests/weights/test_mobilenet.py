"""MobileNetV2's two spellings land in a person detector."""

import re

import pytest
import torch
from torchvision.models import mobilenet_v2

from ava_det.model.faster_rcnn import build_person_detector
from ava_det.weights.load import load_weights

FRESH = ("head.", "backbone.fpn", "proposal_generator.", "roi_heads.")


def flat(name: str) -> str:
    """torchvision's name as the first PyTorch port has it: the layers of a block are numbered."""
    match = re.fullmatch(r"features\.(\d+)\.conv\.(.*)\.(\w+)", name)
    if match is None:
        return name
    block, layer, rest = match.groups()
    first = {"0.0": 0, "0.1": 1, "1": 3, "2": 4}
    others = {"0.0": 0, "0.1": 1, "1.0": 3, "1.1": 4, "2": 6, "3": 7}
    return f"features.{block}.conv.{(first if block == '1' else others)[layer]}.{rest}"


@pytest.mark.parametrize("spelling", [str, flat])
def test_every_weight_finds_its_place(tmp_path, spelling):
    torch.manual_seed(0)
    given = mobilenet_v2(weights=None).state_dict()
    path = tmp_path / "mobilenet.pt"
    torch.save({spelling(name): weight for name, weight in given.items()}, path)
    model = build_person_detector("faster_rcnn_mobilenet")
    report = load_weights(path, model, fresh=FRESH)
    own = model.backbone.bottom_up.state_dict()
    assert len(report.loaded) == len(own)
    for name, weight in own.items():
        assert torch.equal(weight, given[name]), name
