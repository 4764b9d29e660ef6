"""tools/test.py of a classifier against a loop over views written out, some of the files broken."""

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from ava_det.model.zoo import build_classifier
from ava_det.structures import ClipShape
from ava_det.video.video import Video
from ava_det.weights.card import ModelCard
from ava_det.weights.native import save_weights

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "configs/pretrain/jhmdb_slowfast_tiny.py"
MODEL = {"architecture": "slowfast_tiny", "arguments": {"width": 8, "alpha": 4, "change": True}}
ACTIONS = ("run", "walk", "wave1")
FRAMES, STRIDE, SIDE = 8, 3, 32


@pytest.fixture
def tree(shared, tmp_path):
    """Twelve Weizmann videos and their list, one torn and one missing; weights of three classes."""
    rows = []
    for label, action in enumerate(ACTIONS):
        for file in sorted((shared / "data" / "weizmann" / action).glob("*.avi"))[:4]:
            shutil.copy(file, tmp_path / file.name)
            rows.append((file.name, label))
    torn = tmp_path / rows[5][0]
    torn.write_bytes(torn.read_bytes()[:8000])
    (tmp_path / rows[9][0]).unlink()
    (tmp_path / "test.csv").write_text("".join(f"{name} {label}\n" for name, label in rows))
    (tmp_path / "classes.txt").write_text("\n".join(ACTIONS))
    torch.manual_seed(3)
    model = build_classifier(num_classes=3, **MODEL)
    classes = tuple((k + 1, name, "") for k, name in enumerate(ACTIONS))
    card = ModelCard(
        "classifier", {"num_classes": 3, **MODEL}, classes, ClipShape(FRAMES, STRIDE, None, SIDE)
    )
    save_weights(tmp_path / "weights.safetensors", model.state_dict(), card)
    return tmp_path, [row for k, row in enumerate(rows) if k not in (5, 9)], model.eval()


def arguments(tree, *more):
    name = str(tree / "test.csv")
    return [
        *("--config", CONFIG, "--weights", tree / "weights.safetensors", "--output", tree / "out"),
        *(f"data.train={name}", f"data.test={name}"),
        *("model.arguments.width=8", f"clip.frames={FRAMES}", f"clip.stride={STRIDE}"),
        *("clip.rate=null", f"clip.short_side={SIDE}", "test.loader.num_workers=0"),
        *(f"test.loader.mapper.reader.folder={tree / 'cache'}",),
        *("test.loader.mapper.reader.short_side=null", "test.loader.max_unreadable=0.2", *more),
    ]


@torch.no_grad()
def by_hand(file, model, clips):
    """Mean softmax of `clips` x 3 views, one at a time, from the file."""
    scores = []
    with Video(file) as video:
        spare = max(0, len(video) - FRAMES * STRIDE)
        for clip in range(clips):
            start = int(clip * spare / (clips - 1))
            numbers = [min(start + k * STRIDE, len(video) - 1) for k in range(FRAMES)]
            frames = torch.from_numpy(video.frames(video.frame_times[numbers])).movedim(3, 1)
            small = F.resize(frames, [SIDE], antialias=True)
            rest = small.shape[-1] - SIDE
            for x in (0, -(-rest // 2), rest):
                view = small[..., x : x + SIDE].transpose(0, 1)[None]
                scores.append(model(view).softmax(1)[0].numpy())
    return np.mean(scores, axis=0)


def test_views_are_those_of_a_loop_and_broken_files_are_listed(run_tool, tree):
    folder, rows, model = tree
    done = run_tool("test", *arguments(folder, "--views", "4x3"))
    assert done.code == 0, done.err
    assert "(10 videos, 2 left out as unreadable)" in done.out
    with gzip.open(folder / "out" / "scores.csv.gz", "rt", newline="") as file:
        head, *lines = csv.reader(file)
    assert head == ["video", "label", *ACTIONS]
    assert [(name, int(label)) for name, label, *_ in lines] == rows
    found = np.array([[float(score) for score in line[2:]] for line in lines])
    expected = np.stack([by_hand(folder / name, model, 4) for name, _ in rows])
    np.testing.assert_allclose(found, expected, atol=2e-5)

    figures = json.loads((folder / "out" / "result.json").read_text())
    labels = np.array([label for _, label in rows])
    right = expected.argmax(1) == labels
    assert figures["top1"] == pytest.approx(right.mean())
    assert figures["top5"] == 1
    each = [right[labels == k].mean() for k in range(3)]
    assert [one["top1"] for one in figures["classes"].values()] == pytest.approx(each)
    assert figures["mean_class_accuracy"] == pytest.approx(np.mean(each))
    assert (figures["clips"], figures["crops"], figures["unreadable"]) == (4, 3, 2)
    assert f"{figures['gmacs']:.4g} GFLOPs (multiply-adds) x 12 views (4 x 3)" in done.out
    with (folder / "out" / "unreadable.csv").open(newline="") as file:
        listed = [row["path"] for row in csv.DictReader(file)]
    kept = {str(folder / name) for name, _ in rows}
    everything = {str(folder / line.split()[0]) for line in (folder / "test.csv").open()}
    assert set(listed) == everything - kept
    assert len(listed) == 2
    assert "confusion matrix" in (folder / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--threshold", "0.5"], 2, "--threshold: not for a classifier, which configs/"),
        (["--views", "10x0"], 2, "'10x0' is not CLIPSxCROPS, such as 10x3"),
        (["test.loader.max_unreadable=0.1"], 1, "2 of 12 videos cannot be read, more than 10 %"),
        (["model.num_classes=4"], 1, "test.csv: has 3 classes, not the 4 of model.num_classes"),
    ],
)
def test_what_cannot_be_done_is_one_line(run_tool, tree, more, code, message):
    done = run_tool("test", *arguments(tree[0], *more))
    assert done.code == code
    assert message in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


def test_what_is_of_another_model_is_refused(run_tool, tree):
    folder = tree[0]
    detector = ["--config", "configs/finetune/jhmdb_slowfast_tiny.py", "--untrained"]
    done = run_tool("test", *detector, "--views", "1x1", "--output", folder / "out")
    assert done.code == 2
    assert "--views: not for a detector, which configs/finetune/jhmdb" in done.err
    persons = ["--config", "configs/persons/faster_rcnn_tiny.py", "--untrained"]
    done = run_tool("test", *persons, "--output", folder / "out")
    assert done.code == 1
    assert "trains neither an action detector nor a classifier" in done.err
    (folder / "classes.txt").write_text("run\nwalk\nfly\n")
    done = run_tool("test", *arguments(folder))
    assert (
        "weights.safetensors: the classes differ from those of the test set: fly, wave1" in done.err
    )


@pytest.mark.slow
def test_a_training_with_broken_files_ends_well_and_lists_them(run_tool, tree):
    """A sixth of the files is broken; two worker processes; the weights then pass a test."""
    folder, rows, _ = tree
    cache = f"dataloader.train.mapper.reader.folder={folder / 'cache'}"
    more = [cache, "dataloader.train.num_workers=2", "dataloader.train.max_unreadable=0.2"]
    more += ["dataloader.train.batch_size=4", "train.max_iter=12", "train.eval_period=6"]
    options = [str(part) for part in arguments(folder, *more)]
    del options[2:4]  # the weights
    command = [sys.executable, "tools/pretrain.py", *options]
    (folder / "out").mkdir()
    (folder / "out" / "unreadable_train.csv").write_text("path,video,reason\nold.mp4,old,gone\n")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "left out, 2 of 12 videos so far" in done.stdout
    kept = {str(folder / name) for name, _ in rows}
    for part in ("train", "test"):
        with (folder / "out" / f"unreadable_{part}.csv").open(newline="") as file:
            listed = [row["path"] for row in csv.DictReader(file)]
        assert len(listed) == 2
        assert not set(listed) & kept
    shutil.copy(folder / "out" / "model.safetensors", folder / "weights.safetensors")
    tested = run_tool("test", *arguments(folder))
    assert tested.code == 0, tested.err
    assert "(10 videos, 2 left out as unreadable)" in tested.out
