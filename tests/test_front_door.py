"""What `import ava_det` gives, and what it costs."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import ava_det
from ava_det.evaluation.evaluate import EvaluationRules, evaluate_file
from ava_det.formats.ava_csv import read_detections, read_ground_truth
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.model.published import published_model
from ava_det.model.zoo import build_detector
from ava_det.structures import ClipShape, InputError
from ava_det.weights.card import ModelCard
from ava_det.weights.native import save_weights

COST = """
import sys
import ava_det
loaded = {name.partition(".")[0] for name in sys.modules}
heavy = {"torch", "torchvision", "detectron2", "openvino", "pandas", "numpy", "cv2", "av"}
assert not heavy & loaded, heavy & loaded
ava_det.load_detector
ava_det.evaluate
assert "torch" not in sys.modules
"""


def test_importing_the_package_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", COST], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_everything_that_is_exported_is_there():
    assert {*ava_det.__all__} <= {*dir(ava_det)}
    for name in ava_det.__all__:
        assert getattr(ava_det, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'ava_det' has no attribute 'detector'"):
        _ = ava_det.detector


def test_files_and_tables_are_evaluated_alike(shared):
    folder = shared / "reference" / "ava_eval" / "small_1"
    lists = shared / "reference" / "ava_annotations"
    classes = lists / "ava_action_list_v2.2_for_activitynet_2019.pbtxt"
    expected = json.loads((folder / "expected.json").read_text())
    of_files = ava_det.evaluate(folder / "det.csv", str(folder / "gt.csv"), classes)
    assert of_files.figures["mAP"] == pytest.approx(expected["mAP"], abs=1e-9)
    truth, found = read_ground_truth(folder / "gt.csv"), read_detections(folder / "det.csv")
    class_map = read_class_map(classes)
    of_tables = ava_det.evaluate(found, truth, class_map)
    rules = EvaluationRules(class_map, "activitynet")
    of_tool = evaluate_file(folder / "det.csv", truth, folder / "gt.csv", rules)
    assert of_files.figures == of_tables.figures == of_tool.figures


def test_without_a_class_map_the_classes_of_the_ground_truth_count(tmp_path):
    truth, found = tmp_path / "gt.csv", tmp_path / "det.csv"
    truth.write_text("film,0,0.1,0.1,0.4,0.9,1\nfilm,1,0.1,0.1,0.4,0.9,3\n")
    found.write_text("film,0,0.1,0.1,0.4,0.9,1,0.5\nfilm,0,0.1,0.1,0.4,0.9,2,0.5\n")
    figures = ava_det.evaluate(found, truth).figures
    assert (figures["mAP"], figures["AP"]) == (0.5, {"action 1": 1.0, "action 3": 0.0})
    truth.write_text("film,0,0.1,0.1,0.4,0.9,\n")
    with pytest.raises(InputError, match=r"gt\.csv: no row has an action"):
        ava_det.evaluate(found, truth)


def test_an_unknown_protocol_and_other_classes_are_refused(tmp_path):
    truth, found = tmp_path / "gt.csv", tmp_path / "det.csv"
    truth.write_text("film,0,0.1,0.1,0.4,0.9,1\n")
    found.write_text("film,0,0.1,0.1,0.4,0.9,1,0.5\n")
    with pytest.raises(ValueError, match=r"'uncaped' is not .* \(did you mean uncapped\?\)"):
        ava_det.evaluate(found, truth, ClassMap({1: "wave"}), protocol="uncaped")
    with pytest.raises(InputError, match=r"gt\.csv: row 1: "):
        ava_det.evaluate(found, truth, ClassMap({7: "sit"}))


def test_models_come_by_name_or_by_file(tmp_path):
    torch.manual_seed(0)
    arguments = {"architecture": "slowfast_tiny", "num_classes": 3, "arguments": {"width": 8}}
    detector = build_detector(**arguments).eval()
    classes = tuple((i, f"action {i}", "") for i in (1, 2, 3))
    card = ModelCard("detector", arguments, classes, ClipShape(8, 2, 25.0, 32))
    path = tmp_path / "model.safetensors"
    save_weights(path, detector.state_dict(), card)
    clips = torch.from_numpy(np.random.default_rng(0).integers(256, size=(1, 3, 8, 32, 32)))
    boxes = [torch.tensor([[4.0, 4, 20, 30]])]
    with torch.inference_mode():
        expected = detector(clips.to(torch.uint8), boxes)
        loaded = ava_det.load_model(path)
        assert torch.equal(loaded(clips.to(torch.uint8), boxes), expected)
    assert not loaded.training
    with pytest.raises(ValueError, match="has its own weights"):
        ava_det.load_model(path, "other.pyth")
    with pytest.raises(InputError, match=r"'kinetics_x3d_sx' \(did you mean kinetics_x3d_"):
        ava_det.load_model("kinetics_x3d_sx")


def test_a_published_model_takes_a_weight_file(tmp_path):
    torch.manual_seed(1)
    theirs = published_model("kinetics_x3d_xs").build()
    torch.save({"model_state": theirs.state_dict()}, tmp_path / "x3d.pyth")
    loaded = ava_det.load_model("kinetics_x3d_xs", str(tmp_path / "x3d.pyth"))
    assert not loaded.training
    ours = loaded.state_dict()
    assert all(torch.equal(weight, ours[name]) for name, weight in theirs.state_dict().items())
