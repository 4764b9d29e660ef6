"""tools/weights.py: files of every codebase through a config's model, from the command line."""

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from ava_det.model.published import PUBLISHED as PUBLISHED_MODELS
from ava_det.model.zoo import build_classifier, build_detector
from ava_det.weights.codebases import pyslowfast
from ava_det.weights.native import load_model
from ava_det.weights.torch_files import save_torch_file

CONFIG = """
from detectron2.config import LazyCall as L
from ava_det.model.zoo import build_classifier, build_detector

model = L(build_{kind})(architecture="slowfast_tiny", num_classes=3, arguments=dict(width=8))
clip = dict(frames=8, stride=2, rate=30.0, short_side=64)
"""
PUBLISHED = {
    "ava_slow_r50_8x8": "ava_slow_r50_4x16",  # what PySlowFast's SLOW_8x8_R50_SHORT really is
    "ava_slowfast_r50_8x8": "ava_slowfast_r50_8x8",
    "kinetics_i3d_r50_8x8": "kinetics_i3d_r50_8x8",
    "kinetics_slow_r50_8x8": "kinetics_slow_r50_8x8",
    "kinetics_slowfast_r50_8x8": "kinetics_slowfast_r50_8x8",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a classifier and a detector as PySlowFast's files."""
    monkeypatch.chdir(tmp_path)
    for kind, build in (("classifier", build_classifier), ("detector", build_detector)):
        (tmp_path / f"{kind}.py").write_text(CONFIG.format(kind=kind))
        torch.manual_seed(0)
        model = build("slowfast_tiny", 3, {"width": 8})
        save_torch_file(tmp_path / f"{kind}.pyth", pyslowfast.export(model))
    return tmp_path


def run(run_tool, kind, **arrays):
    """Logits of a small model, or what was printed."""
    np.savez("in.npz", **arrays)
    names = f"--config {kind}.py --weights {kind}.pyth --inputs in.npz --output out.npy"
    ran = run_tool("weights", "run", *names.split())
    if ran.code:
        assert "Traceback" not in ran.err
        return ran.err.splitlines()[-1]
    return np.load("out.npy")


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recorded_case_by_the_config_of_its_published_model(
    run_tool, shared, tmp_path, monkeypatch, name
):
    spec = importlib.util.spec_from_file_location("ref", shared / "reference" / "weights.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    weights = {k: torch.from_numpy(np.array(v)) for k, v in reference.checkpoint(name).items()}
    torch.save({"model_state": weights}, tmp_path / "a.pyth")
    clips, boxes = reference.inputs(name)
    arrays = dict(zip(("slow", "fast"), clips, strict=False))
    np.savez(tmp_path / "in.npz", **arrays, **({} if boxes is None else {"boxes": boxes}))
    files = [tmp_path / file for file in ("a.pyth", "in.npz", "out.npy")]
    options = zip(("--weights", "--inputs", "--output"), files, strict=True)
    arguments = [word for option in options for word in option]
    ran = run_tool("weights", "run", "--model", PUBLISHED[name], *arguments)
    assert ran.code == 0, ran.err
    assert f"{len(weights)} loaded; 0 dropped; 0 fresh" in ran.err
    expected = np.load(reference.PYSLOWFAST / f"{name}.npy")
    assert np.abs(np.load(files[2]) - expected).max() < 1e-3


def test_a_clip_is_split_as_its_pathways_were(folder, run_tool):
    clip = np.random.default_rng(0).standard_normal((2, 3, 8, 32, 32)).astype(np.float32)
    logits = run(run_tool, "classifier", clip=clip)
    assert logits.shape == (2, 3)
    slow = clip[:, :, [0, 7]]
    np.testing.assert_allclose(run(run_tool, "classifier", slow=slow, fast=clip), logits, atol=1e-5)


def test_pixels_are_normalised_here(folder, run_tool):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 8, 32, 32), np.uint8)
    floats = (pixels / 255 - 0.45) / 0.225
    expected = run(run_tool, "classifier", clip=floats)
    np.testing.assert_allclose(run(run_tool, "classifier", clip=pixels), expected, atol=1e-4)


def test_logits_come_in_the_order_of_the_boxes(folder, run_tool):
    rng = np.random.default_rng(0)
    clip = rng.standard_normal((3, 3, 8, 64, 64)).astype(np.float32)
    boxes = np.float32([[2, 0, 0, 60, 60], [0, 5, 5, 30, 50], [2, 9, 0, 20, 60], [0, 0, 0, 63, 63]])
    logits = run(run_tool, "detector", clip=clip, boxes=boxes)
    assert logits.shape == (4, 3)
    for row, box in enumerate(boxes):
        alone = run(run_tool, "detector", clip=clip, boxes=box[None])
        np.testing.assert_allclose(alone[0], logits[row], atol=1e-5)
    assert run(run_tool, "detector", clip=clip, boxes=boxes[:0]).shape == (0, 3)


CLIP = np.zeros((1, 3, 8, 32, 32), np.float32)


@pytest.mark.parametrize(
    ("kind", "arrays", "words"),
    [
        ("detector", {"clip": CLIP}, "boxes are missing"),
        ("classifier", {"clip": CLIP, "boxes": np.zeros((1, 5))}, "boxes for a classifier"),
        ("detector", {"clip": CLIP, "boxes": np.zeros((1, 4))}, "not R x 5"),
        ("detector", {"clip": CLIP, "boxes": np.ones((2, 5))}, "row 0: no clip 1 among 1"),
        ("detector", {"clip": CLIP, "boxes": np.full((1, 5), np.nan)}, "row 0: no clip nan"),
        ("detector", {"clip": CLIP, "boxes": [[0, 1, 1, np.nan, 9]]}, "row 0: no box x1 y1 x2 y2"),
        ("detector", {"clip": CLIP, "boxes": [[0, 1, 1, np.inf, 9]]}, "no box"),
        ("detector", {"clip": CLIP, "boxes": [[0, 1e30, 1, 2e30, 9]]}, "no box"),
        ("detector", {"clip": CLIP, "boxes": [[0, 1, 1, 9, 9], [0, 9, 1, 1, 9]]}, "row 1: no box"),
        ("detector", {"clip": CLIP, "boxes": np.zeros(0)}, "not R x 5"),
        ("classifier", {"clip": CLIP * np.nan}, "`clip` has NaN or infinite numbers"),
        ("classifier", {"clip": CLIP + np.inf}, "`clip` has NaN or infinite numbers"),
        ("classifier", {"clip": np.concatenate([CLIP, CLIP], 1)}, "not N x 3 x T x H x W"),
        ("classifier", {"clip": CLIP[:0]}, "not N x 3 x T x H x W"),
        ("classifier", {"clips": CLIP}, "not clips"),
        ("classifier", {}, "not none"),
        ("classifier", {"fast": CLIP}, "not fast"),
        ("classifier", {"clip": CLIP, "slow": CLIP}, "must be `clip`, or `slow` and `fast`"),
        ("classifier", {"clip": CLIP[0]}, "not N x 3 x T x H x W"),
        ("classifier", {"clip": CLIP.astype(np.int64)}, "neither uint8 nor float"),
        ("classifier", {"clip": np.array([None])}, "not an npz file of arrays"),
        ("classifier", {"clip": CLIP[:, :, :7]}, "7 frames do not divide by alpha = 4"),
        ("classifier", {"slow": CLIP[:, :, :2, :16], "fast": CLIP}, "of different sizes"),
        ("classifier", {"slow": CLIP}, "`slow` alone for a model of 2 pathway(s)"),
    ],
)
def test_inputs_that_cannot_be_used_are_one_line(folder, run_tool, kind, arrays, words):
    line = run(run_tool, kind, **arrays)
    assert line.startswith("error: in.npz: ")
    assert words in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "not an npz file of arrays"),
        (b"hello", "not an npz file of arrays"),
        (pickle.dumps({"clip": 1}), "not an npz file of arrays"),
        (b"PK\x03\x04", "not an npz file of arrays"),
    ],
)
def test_files_that_are_no_inputs_are_one_line(folder, run_tool, content, words):
    if content is not None:
        (folder / "in.npz").write_bytes(content)
    names = "--config classifier.py --weights classifier.pyth --inputs in.npz --output out.npy"
    ran = run_tool("weights", "run", *names.split())
    assert ran.code == 1
    assert ran.err.startswith("error: in.npz: ")
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("kind", ["classifier", "detector"])
def test_weights_go_round_through_all_formats(folder, run_tool, kind):
    previous = f"{kind}.pyth"
    for target in ("ava_det", "pytorchvideo", "pyslowfast"):
        words = f"convert --config {kind}.py --weights {previous} --output {target} --to {target}"
        ran = run_tool("weights", *words.split())
        assert ran.code == 0, ran.err
        previous = target
    ran = run_tool("weights", "compare", f"{kind}.pyth", previous)
    assert (ran.code, ran.out) == (0, "0 weights differ by more than 0\n")
    assert run_tool("weights", "compare", "ava_det", "pytorchvideo").code == 0
    aligned = "note: head.roi_align.aligned is False there, True here"
    words = f"convert --config {kind}.py --weights {kind}.pyth --output x --to pytorchvideo"
    assert (aligned in run_tool("weights", *words.split()).err) == (kind == "detector")


def test_a_file_of_ours_says_what_it_is(folder, run_tool):
    (folder / "classes.csv").write_text("3,walk\n5,run\n9,sit\n")
    words = "convert --config classifier.py --weights classifier.pyth --output a.safetensors"
    assert run_tool("weights", *words.split(), "--classes", "classes.csv").code == 0
    _, card = load_model(folder / "a.safetensors")
    assert card.classes == ((3, "walk", ""), (5, "run", ""), (9, "sit", ""))
    assert card.clip.frames == 8
    out = run_tool("weights", "inspect", "a.safetensors", "classifier.pyth").out
    assert "names of ava_det: 0.18 M numbers in 192 float32, 38 int64 tensors" in out
    assert "names of PySlowFast" in out
    assert out.count("pathway 1: 1 1 1 1 residual blocks") == 2
    assert out.count("head: 3 classes from 288 features") == 2
    assert out.count("pixels: RGB, mean 0.45/0.45/0.45") == 2
    assert "classes: walk, run, sit" in out


def test_inspect_lists_names(folder, run_tool):
    out = run_tool("weights", "inspect", "--names", "classifier.pyth").out
    assert "s1_fuse.conv_f2s.weight  (2, 1, 7, 1, 1)  s1_fuse.conv_f2s.weight" in out


def test_classes_that_are_too_few_are_refused(folder, run_tool):
    (folder / "classes.csv").write_text("3,walk\n")
    words = "convert --config classifier.py --weights classifier.pyth --output a.safetensors"
    ran = run_tool("weights", *words.split(), "--classes", "classes.csv")
    assert ran.code == 1
    assert "classes.csv: 1 classes, but the model has 3" in ran.err
    assert not (folder / "a.safetensors").exists()


def test_compare_names_the_largest_difference(folder, run_tool):
    content = torch.load("classifier.pyth", weights_only=True)
    content["model_state"]["head.projection.bias"][1] += 0.5
    content["model_state"]["s1_fuse.bn.bias"] += 2
    del content["model_state"]["head.projection.weight"]
    save_torch_file(folder / "other.pyth", content)
    ran = run_tool("weights", "compare", "classifier.pyth", "other.pyth")
    assert ran.code == 1
    first, second, third, last = ran.out.splitlines()
    assert first == "head.projection.weight: not in other.pyth"
    assert second.startswith("s1_fuse.bn.bias: 2 of values up to")
    assert third.startswith("head.projection.bias: 0.5 of values up to")
    assert last == "3 weights differ by more than 0"
    del content["model_state"]["head.projection.bias"]
    words = "compare --tolerance 3 --top 1 classifier.pyth other.pyth"
    assert len(run_tool("weights", *words.split()).out.splitlines()) == 2


def test_the_optimizer_is_carried_along(folder, run_tool):
    content = torch.load("classifier.pyth", weights_only=True)
    state = {"state": {0: {"momentum_buffer": torch.arange(3)}}}
    save_torch_file(folder / "a.pyth", {**content, "optimizer_state": state})
    words = "convert --config classifier.py --weights a.pyth --output b.pyth --keep-optimizer --to"
    assert run_tool("weights", *words.split(), "pyslowfast").code == 0
    kept = torch.load("b.pyth", weights_only=True)["optimizer_state"]
    assert torch.equal(kept["state"][0]["momentum_buffer"], torch.arange(3))
    assert "no optimizer state" in run_tool("weights", *words.split(), "ava_det").err


def test_a_file_of_another_model_is_refused_unless_told_otherwise(folder, run_tool):
    content = torch.load("classifier.pyth", weights_only=True)
    content["cfg"] = yaml.safe_dump({"DATA": {"MEAN": [0.1, 0.2, 0.3]}})
    save_torch_file(folder / "classifier.pyth", content)
    assert "made for another model" in run(run_tool, "classifier", clip=CLIP)
    np.savez("in.npz", clip=CLIP)
    words = "run --unchecked --config classifier.py --weights classifier.pyth --inputs in.npz"
    assert run_tool("weights", *words.split(), "--output", "out.npy").code == 0
    overridden = "model.mean=[0.1,0.2,0.3]"
    words = "run --config classifier.py --weights classifier.pyth --inputs in.npz --output out.npy"
    assert run_tool("weights", *words.split(), overridden).code == 0


def test_a_missing_config_and_a_missing_file_are_one_line(folder, run_tool):
    words = "run --config no.py --weights classifier.pyth --inputs in.npz --output out.npy"
    np.savez("in.npz", clip=CLIP)
    assert run_tool("weights", *words.split()).err == "error: no.py: no such config\n"
    assert run_tool("weights", "inspect", "no.pyth").err.startswith("error: no.pyth: no such file")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from /proc")
def test_the_benchmark_of_loading_says_what_it_costs(tmp_path, run_tool):
    name = "kinetics_x3d_s_pyslowfast"
    ran = run_tool("benchmark", "load", name, "--rounds", "1")
    assert ran.code == 0, ran.err
    file, seconds, ratios = ran.out.splitlines()
    assert file.startswith("random weights: 15.5 MB")
    assert "load_weights" in seconds
    assert "times the file beyond the model" in ratios
    weights = tmp_path / "mine.pyth"
    save_torch_file(weights, pyslowfast.export(PUBLISHED_MODELS[name].build()))
    assert (
        "mine.pyth"
        in run_tool("benchmark", "load", name, "--rounds", "1", "--weights", weights).out
    )
