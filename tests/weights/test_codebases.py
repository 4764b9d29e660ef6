"""MMAction2's and Caffe2's files: PySlowFast's recorded tensors under their names."""

import numpy as np
import pytest
import torch
from codebases import write_caffe2, write_mmaction2

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.structures import InputError
from ava_det.weights.codebases.pyslowfast import export
from ava_det.weights.load import HEAD, load_weights, read_file

R50, TINY = (3, 4, 6, 3), (1, 1, 1, 1)


def same(a, b):
    return all(torch.equal(w, b[n]) for n, w in a.items() if "num_batches" not in n)


@pytest.mark.slow
@pytest.mark.parametrize("write", ["mmaction2", "caffe2"])
@pytest.mark.parametrize(
    "name", ["kinetics_slowfast_r50_8x8", "ava_slowfast_r50_8x8", "ava_slow_r50_8x8"]
)
def test_recorded_tensors_give_recorded_logits_under_other_names(case, tmp_path, name, write):
    weights, clips, boxes, expected = case(name)
    file = tmp_path / "file"
    if write == "caffe2":
        write_caffe2(file, weights, R50)
    else:
        write_mmaction2(file, weights, R50, "cls_head" if boxes is None else "roi_head")
    build = build_classifier if boxes is None else build_detector
    model = build("slowfast_r50" if len(clips) > 1 else "slow_r50", len(expected[0])).eval()
    report = load_weights(file, model)
    assert not report.dropped
    assert {n.rpartition(".")[2] for n in report.fresh} <= {"num_batches_tracked"}
    with torch.inference_mode():
        logits = model(clips) if boxes is None else model(clips, [boxes[:, 1:]])
    assert np.abs(logits.numpy() - expected).max() < 1e-3


@pytest.fixture
def weights(small):
    """PySlowFast's names of a small model."""
    return export(small(0))["model_state"]


def test_mmaction2_of_a_small_model(small, weights, tmp_path):
    write_mmaction2(tmp_path / "a.pth", weights, TINY, "cls_head")
    model = small(1)
    report = load_weights(tmp_path / "a.pth", model)
    assert same(small(0).state_dict(), model.state_dict())
    assert "names of MMAction2; note: pixels have mean 0.485/0.456/0.406" in str(report)
    assert "split.from_first is True there, False here" in str(report)


def test_mmaction2_says_nothing_to_a_model_that_is_wired_like_its_own(weights, tmp_path):
    write_mmaction2(tmp_path / "a.pth", weights, TINY, "cls_head")
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    model = build_classifier("slowfast_tiny", 5, {"width": 8}, mean=mean, std=std)
    model.backbone.split.from_first = True
    assert "note" not in str(load_weights(tmp_path / "a.pth", model))


def test_the_background_class_of_mmaction2_is_dropped_only_if_it_is_there(weights, tmp_path):
    detector = build_detector("slowfast_tiny", 5, {"width": 8})
    write_mmaction2(tmp_path / "a.pth", weights, TINY, "roi_head")
    load_weights(tmp_path / "a.pth", detector)
    assert torch.equal(detector.head.projection.weight, weights["head.projection.weight"])
    with_background = build_detector("slowfast_tiny", 6, {"width": 8})
    load_weights(tmp_path / "a.pth", with_background)
    assert (with_background.head.projection.weight[0] == 9).all()
    with pytest.raises(InputError, match=r"\(6, 288\) in the file and \(4, 288\) in the model"):
        load_weights(tmp_path / "a.pth", build_detector("slowfast_tiny", 4, {"width": 8}))


def test_any_head_of_mmaction2_can_be_left_behind(weights, tmp_path):
    write_mmaction2(tmp_path / "a.pth", weights, TINY, "roi_head")
    content = torch.load(tmp_path / "a.pth", weights_only=True)
    content["state_dict"]["roi_head.shared_head.fbo.0.weight"] = torch.ones(3)
    torch.save(content, tmp_path / "a.pth")
    detector = build_detector("slowfast_tiny", 9, {"width": 8})
    with pytest.raises(InputError, match=r"shared_head\.fbo\.0\.weight is not in the model"):
        load_weights(tmp_path / "a.pth", build_detector("slowfast_tiny", 5, {"width": 8}))
    report = load_weights(tmp_path / "a.pth", detector, fresh=HEAD)
    assert "head.roi_head.shared_head.fbo.0.weight" in report.dropped


def test_a_classifier_of_mmaction2_with_one_class_more_is_another_model(weights, tmp_path):
    write_mmaction2(tmp_path / "a.pth", weights, TINY, "cls_head")
    with pytest.raises(InputError, match="has shape"):
        load_weights(tmp_path / "a.pth", build_classifier("slowfast_tiny", 4, {"width": 8}))


def test_a_long_list_of_names_is_cut(small, tmp_path):
    torch.save({"model": small(0).state_dict()}, tmp_path / "a.pth")
    report = str(load_weights(tmp_path / "a.pth", small(1), fresh=("backbone.",)))
    assert "2 loaded; 228 dropped: backbone.blocks.0.multipathway_blocks.0.conv.weight," in report
    assert report.count("178 more, 38 counts of batches") == 2


def test_caffe2_of_a_small_model(small, weights, tmp_path):
    write_caffe2(tmp_path / "a.pkl", weights, TINY)
    model = small(1)
    report = load_weights(tmp_path / "a.pkl", model)
    assert same(small(0).state_dict(), model.state_dict())
    assert not report.dropped
    assert "0 dropped; 38 fresh: 38 counts of batches; names of Caffe2" in str(report)
    file = read_file(tmp_path / "a.pkl")
    assert file.format.title == "Caffe2"
    assert {"conv1_w_momentum", "lr", "model_iter"} <= file.optimizer.keys()


def test_a_checkpoint_of_our_own_training(small, tmp_path):
    content = {"model": small(0).state_dict(), "optimizer": {"state": {}}, "iteration": 3}
    torch.save(content, tmp_path / "model_0000003.pth")
    model = small(1)
    load_weights(tmp_path / "model_0000003.pth", model)
    assert same(small(0).state_dict(), model.state_dict())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "it holds a list"),
        ({}, "of no known codebase"),
        ({"model_state": {}}, "of no known codebase"),
        (
            {"state_dict": {"encoder.layer.0.weight": torch.ones(1)}, "epoch": 3},
            r"of no known codebase \(in 'state_dict': encoder\.layer\.0\.w.*; beside it: epoch\)",
        ),
        ({"model_state": {"s1.pathway0_stem.conv.weight": [1.0]}}, "is not a plain tensor"),
        ({"model_state": {"s1.pathway0_stem.conv.weight": torch.ones(2).to_sparse()}}, "plain"),
        ({"model_state": {"s1.pathway0_x": torch.ones(1), 5: torch.ones(1)}}, "no plain words"),
        ({"model_state": {"s1.pathway0_x\n": torch.ones(1)}}, "no plain words"),
        ({"model_state": {"s1.pathway0_\x1b[2J": torch.ones(1)}}, "no plain words"),
        ({"model_state": {"s1.pathway0_" + "x" * 999: torch.ones(1)}}, "no plain words"),
        (
            {"module.s1.pathway0_x": torch.ones(1), "module.a": torch.ones(1), "a": torch.ones(1)},
            "two weights of one name, 'a'",
        ),
    ],
)
def test_what_is_not_weights_is_refused(small, tmp_path, content, words):
    torch.save(content, tmp_path / "a.pyth")
    with pytest.raises(InputError, match=rf"a\.pyth: .*{words}"):
        load_weights(tmp_path / "a.pyth", small(0))


def test_two_weights_for_one_place_are_refused(small, weights, tmp_path):
    torch.save({"model_state": {**weights, "model.s1": torch.ones(1)}}, tmp_path / "a.pyth")
    with pytest.raises(InputError, match=r"model\.s1 is not in the model"):
        load_weights(tmp_path / "a.pyth", small(0))
    names = {"blocks.0.conv.weight": torch.ones(1), "model.blocks.0.conv.weight": torch.ones(1)}
    names["blocks.1.res_blocks.0.branch1_conv.weight"] = torch.ones(1)
    torch.save({"model_state": names}, tmp_path / "b.pyth")
    with pytest.raises(InputError, match="two weights for one place"):
        load_weights(tmp_path / "b.pyth", small(0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_are_converted(small, weights, tmp_path, dtype):
    halves = {n: w.to(dtype) if w.is_floating_point() else w for n, w in weights.items()}
    torch.save({"model_state": halves}, tmp_path / "a.pyth")
    model = small(1)
    load_weights(tmp_path / "a.pyth", model)
    stem = model.backbone.blocks[0].multipathway_blocks[0].conv.weight
    assert stem.dtype == torch.float32
    assert torch.equal(stem, weights["s1.pathway0_stem.conv.weight"].to(dtype).float())


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.bool, torch.complex64])
def test_integers_for_floats_are_refused(small, weights, tmp_path, dtype):
    name = "head.projection.bias"
    torch.save({"model_state": {**weights, name: weights[name].to(dtype)}}, tmp_path / "a.pyth")
    with pytest.raises(InputError, match=rf"{name} is torch\.\w+ in the file"):
        load_weights(tmp_path / "a.pyth", small(1))
