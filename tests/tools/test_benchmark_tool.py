"""tools/benchmark.py, and that every published config builds."""

import re
from pathlib import Path

import pytest
import torch
from detectron2.config import LazyConfig, instantiate

from ava_det.model.weights.native import ClipShape

PUBLISHED = Path(__file__).resolve().parents[2] / "configs" / "published"
CLASSES = {"ava": 80, "kinetics": 400, "ssv2": 174, "charades": 157, "multisports": 66}
SMALL = PUBLISHED / "ava_x3d_m.py"


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.py")), ids=lambda path: path.stem)
def test_every_published_config_builds(path):
    cfg = LazyConfig.load(str(path))
    with torch.device("meta"):
        model = instantiate(cfg.model)
    data = path.stem.removeprefix("mm_").split("_")[0]
    assert model.head.projection.out_features == CLASSES[data]
    clip = ClipShape(**cfg.clip)
    assert clip.frames % model.backbone.split.alpha == 0


def test_flops_of_a_config(run_tool):
    ran = run_tool("benchmark", "flops", SMALL, "--size", 32)
    assert ran.code == 0
    assert ran.out.split() == ["ava_x3d_m", "16", "x", "32", "x", "32", "2.02", "M", "0.2", "GMAC"]


def test_index_of_a_small_set(run_tool):
    sizes = ("--videos", 3, "--keyframes", 20, "--rows", 500, "--frames", 50)
    ran = run_tool("benchmark", "index", *sizes)
    assert ran.code == 0
    _, counts, frames, cost = ran.out.splitlines()
    assert counts.startswith("60 keyframes, ")
    assert frames.startswith("150 frames of 3 videos; 0 MB of arrays")
    assert cost.endswith("MB at the peak")


def test_flops_as_markdown_says_what_the_model_is(run_tool):
    ran = run_tool("benchmark", "flops", SMALL, "--size", 32, "--markdown")
    header, _, row = ran.out.splitlines()
    assert header == "| config | model | clip | parameters, M | GMAC |"
    assert row.startswith("| ava_x3d_m | X3D-M under the RoI head;")
    assert row.endswith("| 16 x 32 x 32 | 2.02 | 0.2 |")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.py"], "nothing.py: no such config"),
        ([SMALL, "--size", 8], "--size 8: a clip has 32 pixels at least"),
        ([PUBLISHED.parent / "common" / "train.py"], "has no model or no clip"),
    ],
)
def test_misuse_is_one_line(run_tool, arguments, said):
    ran = run_tool("benchmark", "flops", *arguments)
    assert ran.code == 1
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_an_evaluation(run_tool, tmp_path):
    (tmp_path / "gt.csv").write_text("v,902,0.1,0.1,0.5,0.9,1,0\nv,903,0.1,0.1,0.5,0.9,2,0\n")
    (tmp_path / "map.pbtxt").write_text('item {\n  name: "a"\n  id: 1\n}\n')
    named = ("--ground-truth", tmp_path / "gt.csv", "--class-map", tmp_path / "map.pbtxt")
    ran = run_tool("benchmark", "evaluate", *named, "--rows", 4)
    assert ran.code == 0
    counts, ours = ran.out.splitlines()
    assert counts == "2 rows of ground truth, 4 of results"
    assert ours.startswith("tools/evaluate.py ")
    assert " MB, mAP " in ours


def test_a_mix_beside_cutmix_and_a_step(run_tool):
    ran = run_tool("benchmark", "mix", "--batch", 2, "--size", 32, "--rounds", 1)
    assert ran.code == 0, ran.err
    what, mixes, ratio, step, share = ran.out.splitlines()
    assert what == "2 x 3 x 32 x 32 x 32, medians of 1, one core"
    ours, theirs = map(float, re.findall(r"([\d.]+) ms", mixes))
    assert float(ratio.split()[0]) == pytest.approx(ours / theirs, abs=0.1 * ours / theirs + 0.1)
    assert "1 clips" in step
    assert share.endswith("% of it")
