"""Fine-tuning on a set with all that is wrong with real ones: it runs, and says what it left."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from detectron2.config import instantiate
from made_sets import registered

from ava_det.data.sets import ava
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.structures import Keyframe
from ava_det.train.config import load_config
from ava_det.train.run import train
from ava_det.video.writer import VideoWriter
from benchmarks.made_ava import CLASSES

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "finetune" / "ava_slowfast_r50_8x8.py"
NAME = "broken_ava"
SIZES = {"wide": (48, 112), "tall": (96, 54), "square": (64, 64), "torn": (48, 64)}
ROWS = [
    *(f"wide,0902,0.1,0.1,0.4,0.9,{action},0" for action in (1, 12, 80)),
    "wide,0902,0.5,0.2,0.9,0.9,,1",  # a person without a label
    "wide,0903",  # a keyframe without boxes
    "tall,0902,0,0,1,1,12,0",
    "tall,0903,0.5,0.5,0.518,0.51,1,0",  # a pixel
    "tall,0950,0.2,0.2,0.8,0.8,12,0",  # long after the film's end
    "square,0902,0,0,0.5,1,1,0",
    "square,0903,0,0,0.5,1,1,0",  # excluded
    "torn,0902,0,0,1,1,1,0",
    "gone,0902,0,0,1,1,1,0",
]


@pytest.fixture
def broken(tmp_path):
    """The folder of the set."""
    (tmp_path / "videos").mkdir()
    for name, (height, width) in SIZES.items():
        noise = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
        with VideoWriter(tmp_path / "videos" / f"{name}.mp4", height, width, rate=30) as writer:
            for shift in range(120):
                writer.write(np.roll(noise, shift, 1))
    torn = tmp_path / "videos" / "torn.mp4"
    torn.write_bytes(torn.read_bytes()[:500])
    (tmp_path / "truth.csv").write_text("\n".join(ROWS))
    (tmp_path / "excluded.csv").write_text("square,0903\n")
    write_class_map(tmp_path / "all.pbtxt", CLASSES)
    write_class_map(tmp_path / "some.pbtxt", ClassMap({k: CLASSES.names[k] for k in (1, 12, 80)}))
    files = {"annotations": "truth.csv", "class_map": "all.pbtxt", "evaluated": "some.pbtxt"}
    files["excluded"] = "excluded.csv"
    paths = {key: tmp_path / file for key, file in files.items()}
    files = ava.AvaFiles(pictures=tmp_path / "videos", **paths)
    with registered(ava.dataset(NAME, files)):
        yield tmp_path


@pytest.mark.parametrize("path", ["finetune/ava_slow_r50_8x8", "finetune/own_slowfast_tiny"])
def test_a_tenth_of_the_videos_may_be_broken(path):
    cfg = load_config(str(CONFIG.parents[1] / f"{path}.py"), [])
    assert cfg.dataloader.train.max_unreadable == cfg.test.loader.max_unreadable == 0.1


def config(**more):
    settings = {
        **dict.fromkeys(("data.train", "data.test"), NAME),
        "dataloader.train.records.predicted": "''",
        "test.loader.records.proposals": "''",
        "dataloader.train.rare_below": 0.5,
        **dict.fromkeys(("dataloader.train.num_workers", "test.loader.num_workers"), 0),
        # One of four; by default a tenth.
        **dict.fromkeys(("dataloader.train.max_unreadable", "test.loader.max_unreadable"), 0.6),
        "dataloader.train.batch_size": 3,
        "dataloader.train.mapper.transform": "{lowest: 32, highest: 40, size: 32}",
        "model.architecture": "slowfast_tiny",
        "model.arguments": "{width: 8}",
        **{"clip.frames": 8, "clip.short_side": 32, "train.device": "cpu"},
        **{"train.max_iter": 6, "train.eval_period": 3, "train.log_period": 1},
    }
    return load_config(str(CONFIG), [f"{key}={value}" for key, value in (settings | more).items()])


@pytest.mark.slow
def test_a_run(broken, tmp_path):
    output = tmp_path / "run"
    train(config(), output)
    assert (output / "model.safetensors").is_file()
    said = (output / "log.txt").read_text()
    assert "1 of 5 videos are missing and left out, gone first" in said
    for part in ("train", "test"):
        with open(output / f"unreadable_{part}.csv", newline="") as file:
            assert {row["video"] for row in csv.DictReader(file)} == {"torn", "tall"}
    lines = [json.loads(line) for line in (output / "metrics.json").read_text().splitlines()]
    assert len([line for line in lines if np.isfinite(line.get("total_loss", np.nan))]) == 6
    assert any(0 <= line.get("detection/frame_mAP_uncapped", -1) <= 100 for line in lines)


def test_all_of_it_in_one_batch_of_testing(broken):
    """Clips are padded to the largest; boxes stay on their pixels, the smallest among them."""
    cfg = config(**{"test.loader.batch_size": 9})
    (batch,) = instantiate(cfg.test.loader)
    said = {video.video: video.reason for video in batch.unreadable}
    assert said.keys() == {"torn", "tall"}
    assert "tick 950 is 46.0 s outside of the 4.0 s of the file" in said["tall"]
    people = {p.keyframe: len(b) for p, b in zip(batch.people, batch.boxes, strict=True)}
    expected = {("wide", 902): 2, ("wide", 903): 0, ("tall", 902): 1, ("tall", 903): 1}
    expected |= {("square", 902): 1}
    assert people == {Keyframe(*key): count for key, count in expected.items()}
    height, width = batch.clips.shape[-2:]
    assert (height, width) == (32 * 96 // 54, 32 * 112 // 48)
    boxes = dict(zip(people, batch.boxes, strict=True))
    assert boxes[Keyframe("tall", 902)].tolist() == [[0, 0, 32, height]]
    assert boxes[Keyframe("square", 902)].tolist() == [[0, 0, 16, 32]]
    (pixel,) = boxes[Keyframe("tall", 903)]
    assert 0 < (pixel[2:] - pixel[:2]).min() < 1
    evaluator = instantiate(cfg.test.evaluator)
    kept = set(zip(evaluator.ground_truth["video"], evaluator.ground_truth["tick"], strict=True))
    assert ("square", 903) not in kept, "excluded"
