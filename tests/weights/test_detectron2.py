"""Files of detectron2's model zoo: what its own COCO models compute, ours do, of people."""

import pickle
from pathlib import Path

import detectron2
import pytest
import torch
from detectron2.config import get_cfg
from detectron2.modeling import build_model

from ava_det.model.faster_rcnn import build_person_detector
from ava_det.structures import InputError
from ava_det.weights.load import load_weights, read_file

CONFIGS = Path(detectron2.__file__).parent / "model_zoo" / "configs" / "COCO-Detection"
MODELS = {
    "faster_rcnn_r50": "faster_rcnn_R_50_FPN_3x.yaml",
    "faster_rcnn_x101": "faster_rcnn_X_101_32x8d_FPN_3x.yaml",
}


def zoo_model(name: str):
    cfg = get_cfg()
    cfg.merge_from_file(str(CONFIGS / MODELS[name]))
    cfg.MODEL.DEVICE = "cpu"
    torch.manual_seed(0)
    model = build_model(cfg).eval()
    for module in model.modules():  # or its outputs die out, or grow beyond any
        if hasattr(module, "running_var"):
            module.running_var.uniform_(0.5, 2)
            module.running_mean.normal_()
            module.weight.uniform_(0.2, 0.5)
    return model


def zoo_file(model, path: Path) -> Path:
    """As the zoo's files are: a pickle of arrays, with what is no weight besides."""
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    arrays["pixel_mean"] = model.pixel_mean.numpy()
    arrays["proposal_generator.anchor_generator.cell_anchors.0"] = arrays["pixel_mean"]
    content = {"model": arrays, "__author__": "Detectron2 Model Zoo"}
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_file_of_the_zoo_computes_what_it_did(name, tmp_path):
    theirs = zoo_model(name)
    ours = build_person_detector(name, {"norm": "FrozenBN"}).eval()
    report = load_weights(zoo_file(theirs, tmp_path / "model_final.pkl"), ours)
    assert "detectron2's model zoo" in str(report)
    assert not report.fresh
    rgb = torch.randint(0, 256, (3, 96, 128), dtype=torch.uint8)
    with torch.inference_mode():
        a = theirs.preprocess_image([{"image": rgb.flip(0)}])
        b = ours.preprocess_image([{"image": rgb}])
        features, same = theirs.backbone(a.tensor), ours.backbone(b.tensor)
        for level, feature in features.items():
            spread = feature.std()
            assert spread > 0
            assert (feature - same[level]).abs().max() < 1e-3 * spread
        levels = list(features)
        for x, y in zip(
            theirs.proposal_generator.rpn_head([features[f] for f in levels]),
            ours.proposal_generator.rpn_head([same[f] for f in levels]),
            strict=True,
        ):
            for one, other in zip(x, y, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
        pooled = torch.randn(5, 256, 7, 7)
        scores, deltas = theirs.roi_heads.box_predictor(theirs.roi_heads.box_head(pooled))
        people, boxes = ours.roi_heads.box_predictor(ours.roi_heads.box_head(pooled))
    torch.testing.assert_close(people, scores[:, [0, 80]])
    torch.testing.assert_close(boxes, deltas[:, :4])


def test_names_of_detectron2_without_its_author_are_refused(tmp_path):
    stem = "backbone.bottom_up.stem.conv1.weight"
    path = tmp_path / "model_0000999.pth"
    torch.save({"model": {stem: torch.zeros(64, 3, 7, 7)}, "iteration": 999}, path)
    with pytest.raises(InputError, match="not of its model zoo"):
        read_file(path)
