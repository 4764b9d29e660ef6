"""Person detectors: they build, they start to learn, and only known names are built."""

import pytest
import torch
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import EventStorage

from ava_det.model.faster_rcnn import PERSON_DETECTORS, build_person_detector, relative_people
from ava_det.structures import Keyframe


def item(height: int, width: int) -> dict:
    instances = Instances((height, width))
    instances.gt_boxes = Boxes(torch.tensor([[20.0, 10.0, 60.0, 90.0]]))
    instances.gt_classes = torch.zeros(1, dtype=torch.int64)
    image = torch.full((3, height, width), 60, dtype=torch.uint8)
    image[:, 10:90, 20:60] = 220
    return {"image": image, "instances": instances, "height": height, "width": width}


def test_the_papers_detector_has_the_size_of_detectron2s():
    with torch.device("meta"):  # 105 M parameters: nothing is computed with them here
        model = build_person_detector("faster_rcnn_x101")
    resnext = 88_791_336 - (2048 * 1000 + 1000)  # torchvision's ResNeXt101_32X8D without its fc
    fpn = (256 + 512 + 1024 + 2048) * 256 + 4 * 256 + 4 * (256 * 256 * 9 + 256)
    rpn = (256 * 256 * 9 + 256) + (256 * 3 + 3) + (256 * 12 + 12)
    heads = (256 * 49 * 1024 + 1024) + (1024 * 1024 + 1024) + (1024 * 2 + 2) + (1024 * 4 + 4)
    assert sum(p.numel() for p in model.parameters()) == resnext + fpn + rpn + heads
    shapes = {
        name: shape.channels for name, shape in model.backbone.bottom_up.output_shape().items()
    }
    assert shapes == {"res2": 256, "res3": 512, "res4": 1024, "res5": 2048}
    assert model.backbone.bottom_up.res2[0].conv2.weight.shape == (256, 8, 3, 3)  # 32 x 8d


def test_frozen_blocks_neither_learn_nor_count():
    model = build_person_detector("faster_rcnn_mobilenet", {"frozen": 4}).train()
    blocks = model.backbone.bottom_up.features
    assert [all(p.requires_grad for p in block.parameters()) for block in blocks[:6]] == [
        *[False] * 4,
        True,
        True,
    ]
    assert [block.training for block in blocks[:6]] == [*[False] * 4, True, True]


@pytest.mark.parametrize(
    "name", [n for n in PERSON_DETECTORS if n.startswith("faster_rcnn") and n != "faster_rcnn_x101"]
)
def test_every_detector_builds_and_finds_boxes_inside_the_frame(name):
    model = build_person_detector(name).eval()
    for parameter in model.parameters():
        assert parameter.requires_grad  # random weights: nothing may be frozen
    with torch.inference_mode():
        (output,) = model([item(96, 128)])
    people = relative_people(Keyframe("film", 0), output["instances"])
    assert ((people.boxes >= 0) & (people.boxes <= 1)).all()
    assert (people.scores >= 0.05).all()


@pytest.mark.slow
def test_a_few_steps_on_one_picture_lower_the_loss():
    torch.manual_seed(0)
    model = build_person_detector("faster_rcnn_tiny", {"width": 8})
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    totals = []
    with EventStorage():
        for _ in range(30):
            loss = sum(model([item(96, 128)] * 2).values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            totals.append(loss.item())
    assert sum(totals[-5:]) < 0.7 * sum(totals[:5])


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])  # of autocast
def test_boxes_become_relative_to_the_frame(kind):
    instances = Instances((50, 200))
    instances.pred_boxes = Boxes(torch.tensor([[20.0, 10.0, 220.0, 45.0]]))
    instances.scores = torch.tensor([0.5], dtype=kind)
    people = relative_people(Keyframe("film", 7), instances)
    assert people.keyframe == Keyframe("film", 7)
    assert people.boxes.tolist() == [pytest.approx([0.1, 0.2, 1.0, 0.9])]
    assert people.actions == ((),)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("os.system", {}, "unknown architecture 'os.system'; known: faster_rcnn_tiny"),
        ("faster_rcnn_tiny", {"depth": 3}, "faster_rcnn_tiny takes no argument depth"),
    ],
)
def test_nothing_else_is_built(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        build_person_detector(name, arguments)
