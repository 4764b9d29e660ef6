"""docs/custom_data.md from end to end, on a film of two blocks annotated as CVAT writes it."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from ava_det.formats.ava_csv import read_detections, read_ground_truth
from ava_det.formats.class_map import ClassMap, read_class_map, write_class_map
from ava_det.formats.tools.cvat import write_cvat
from ava_det.formats.tools.shapes import Shape
from ava_det.model.zoo import build_detector
from ava_det.structures import ClipShape
from ava_det.video.writer import VideoWriter
from ava_det.weights.card import ModelCard
from ava_det.weights.native import read_weights, save_weights

CONVERT = Path(__file__).resolve().parents[2] / "datasets" / "convert.py"
CONFIGS = Path(__file__).resolve().parents[2] / "configs"
QUICK = ["train.max_iter=2", "train.log_period=1", "dataloader.train.batch_size=2"]
QUICK += ["dataloader.train.num_workers=0", "test.loader.num_workers=0"]


@pytest.fixture
def mine(tmp_path, monkeypatch, capsys):
    """Two films, converted to a data set each, in a folder whose name has a blank in it."""
    folder = tmp_path / "my data"
    (folder / "videos").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in ("train", "test"):
        path = folder / "videos" / f"{name}.mp4"
        with VideoWriter(path, height=64, width=96, rate=25, threads=1) as writer:
            for tick in range(8):
                frame = np.full((64, 96, 3), 40, np.uint8)
                frame[16:48, 8 * tick : 8 * tick + 16] = 220
                writer.write(frame)
        shapes = [
            Shape(name, tick, (tick / 12, 0.25, tick / 12 + 1 / 6, 0.75), ("slide",), 0)
            for tick in range(8)
        ]
        write_cvat(f"{name}.xml", shapes, ["slide", "rest", "hop"], 8, 64, 96)
        arguments = ["cvat", f"{name}.xml", "--videos", "videos", "--output", name, "--every", "2"]
        monkeypatch.setattr(sys, "argv", [str(CONVERT), *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(CONVERT), run_name="__main__")
        assert ended.value.code == 0, capsys.readouterr().err
    return folder


def pretrained_on_80_classes(path: Path) -> Path:
    torch.manual_seed(0)
    arguments = {
        "architecture": "slowfast_tiny",
        "num_classes": 80,
        "arguments": {"width": 8, "change": True},
    }
    classes = tuple((k, f"class {k}", "") for k in range(1, 81))
    model = build_detector(**arguments)
    save_weights(
        path,
        model.state_dict(),
        ModelCard("detector", arguments, classes, ClipShape(16, 2, 25.0, 96)),
    )
    return path


@pytest.mark.slow
def test_from_annotations_to_detections(mine, run_tool):
    data = ["train/data.toml", "test/data.toml"]
    size = ["model.arguments.width=8", "clip.short_side=64"]
    people = [*size, "dataloader.train.mapper.transform={lowest:64,highest:64}"]
    sets = ["--dataset", data[0], "--test-dataset", data[1]]
    ran = run_tool("propose", "--train", *sets, "--output", "persons", *QUICK, *people)
    assert ran.code == 0, ran.err
    weights = ["--weights", "persons/model.safetensors"]
    ran = run_tool("propose", "--dataset", data[1], *weights, "--output", "boxes.csv")
    assert ran.code == 0, ran.err
    assert "on 4 keyframes" in ran.out

    init = pretrained_on_80_classes(mine / "ava.safetensors")
    config = ["--config", CONFIGS / "finetune" / "own_slowfast_tiny.py", "--weights", init]
    more = [*QUICK, *size, "task.criterion.class_weights=balanced"]
    ran = run_tool("finetune", *config, "--output", "run", *more, "--classes-of", *data)
    assert ran.code == 0, ran.err
    weights = yaml.safe_load(Path("run/config.yaml").read_text())["task"]["criterion"]
    assert np.mean(weights["class_weights"]) == pytest.approx(1)  # tested without the training set
    gone = ["--output", "gone", *more, "test.loader.records.proposals=gone.csv"]
    ran = run_tool("finetune", *config, *gone, "--classes-of", *data)
    assert (ran.code, "gone.csv" in ran.err.splitlines()[-1]) == (1, True)
    assert not Path("gone/metrics.json").exists()  # before the first step
    trained = mine / "run" / "model.safetensors"
    tensors, card = read_weights(trained)
    assert [name for _, name, _ in card.classes] == ["slide", "rest", "hop"]
    assert tensors["head.projection.weight"].shape[0] == 3

    tested = ["--config", "run/config.yaml", "--weights", trained, "--proposals", "boxes.csv"]
    ran = run_tool("test", *tested, "--output", "tested")
    assert ran.code == 0, ran.err
    files = ["tested/detections.csv", "--ground-truth", "tested/ground_truth.csv"]
    classes = ["--class-map", "tested/classes.pbtxt", "--protocol", "uncapped"]
    ran = run_tool("evaluate", *files, *classes)
    assert ran.code == 0, ran.err
    found = ["--weights", trained, "--persons", "persons/model.safetensors", "--output", "out"]
    ran = run_tool("detect", "videos/test.mp4", *found)
    assert ran.code == 0, ran.err
    assert (mine / "out" / "test.csv").is_file()


def test_only_what_counts_is_tested_and_evaluated(mine, run_tool):
    """Of keyframes 0, 2, 4 and 6, one is excluded and one not included; of three classes, two."""
    more = 'excluded = "no.csv"\nincluded = "some.txt"\nevaluated = "counted.pbtxt"\n'
    Path("test/limited.toml").write_text(Path("test/data.toml").read_text() + more)
    Path("test/no.csv").write_text("test,2\n")
    Path("test/some.txt").write_text("0\n2\n4\n")
    counted = {1: "slide", 3: "hop"}
    assert read_class_map("test/classes.pbtxt").names == {1: "slide", 2: "rest", 3: "hop"}
    write_class_map("test/counted.pbtxt", ClassMap(counted))
    names = [f"data.{part}=test/limited.toml" for part in ("train", "test")]
    small = ["model.arguments.width=8", "clip.short_side=64"]
    config = CONFIGS / "finetune" / "own_slowfast_tiny.py"
    more = [*names, *small, "test.loader.num_workers=0"]
    ran = run_tool("test", "--config", config, "--untrained", "--output", "tested", *more)
    assert ran.code == 0, ran.err
    assert read_ground_truth("tested/ground_truth.csv")["tick"].tolist() == [0, 4]
    assert sorted(set(read_detections("tested/detections.csv")["tick"])) == [0, 4]
    assert read_class_map("tested/classes.pbtxt").names == counted
    files = ["tested/detections.csv", "--ground-truth", "tested/ground_truth.csv"]
    files += ["--class-map", "tested/classes.pbtxt", "--json", "ap.json"]
    ran = run_tool("evaluate", *files, "--protocol", "uncapped")
    assert ran.code == 0, ran.err
    found = json.loads(Path("ap.json").read_text())
    mine_says = json.loads(Path("tested/result.json").read_text())
    assert found["mAP"] == pytest.approx(mine_says["mAP"])
    ran = run_tool("check_data", "--dataset", "test/limited.toml")
    assert ran.code == 0, ran.out
    assert "rows on excluded keyframes (1)" in ran.out
    assert "rows on ticks that are not included (1)" in ran.out
