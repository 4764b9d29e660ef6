"""The training tools as a user runs them: cut, resumed, handed from one to the next, misused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "model.arguments.width=8",
    "clip.frames=8",
    "clip.short_side=32",
    "dataloader.train.batch_size=4",
    "dataloader.train.num_workers=0",
    "test.loader.num_workers=0",
    "train.checkpoint_period=4",
    "train.log_period=2",
]
PRETRAIN = ["configs/pretrain/jhmdb_slowfast_tiny.py", "test.loader.records.every=60"]
FINETUNE = [
    "configs/finetune/jhmdb_slowfast_tiny.py",
    "test.loader.records.every=900",
    "dataloader.train.mapper.transform.highest=40",
]


def command(tool: str, config: str, output: Path, *rest: str) -> list[str]:
    return [sys.executable, f"tools/{tool}.py", "--config", config, "--output", str(output), *rest]


@pytest.fixture
def environment(shared):
    one_thread = {"OMP_NUM_THREADS": "1", "DETECTRON2_DATASETS": str(shared / "data")}
    return {**os.environ, **one_thread}


def run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture
def pretrained(tmp_path, environment):
    config, *overrides = PRETRAIN
    arguments = command("pretrain", config, tmp_path / "whole", *SMALL, *overrides)
    done = run([*arguments, "train.max_iter=14"], environment)
    assert done.returncode == 0, done.stderr
    return tmp_path / "whole" / "model.safetensors"


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(pretrained, tmp_path, environment):
    config, *overrides = PRETRAIN
    output = tmp_path / "cut"
    arguments = [*command("pretrain", config, output, *SMALL, *overrides), "train.max_iter=14"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=log, stderr=log)
        while not (output / "model_0000007.pth").exists():
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (output / "model.safetensors").exists()
    again = run(arguments, environment)
    assert again.returncode == 1
    assert "holds a run already; --resume goes on with it" in again.stderr
    done = run([*arguments[:6], "--resume", *arguments[6:]], environment)
    assert done.returncode == 0, done.stderr
    assert "Starting training from iteration 0" not in done.stdout
    torch.testing.assert_close(
        load_file(output / "model.safetensors"), load_file(pretrained), atol=1e-6, rtol=1e-5
    )


@pytest.mark.slow
def test_finetuning_takes_up_the_pretrained_backbone(pretrained, tmp_path, environment):
    config, *overrides = FINETUNE
    output = tmp_path / "finetune"
    arguments = command("finetune", config, output, "--weights", str(pretrained))
    done = run([*arguments, *SMALL, *overrides, "train.max_iter=4"], environment)
    assert done.returncode == 0, done.stderr
    assert "2 dropped: head.projection.bias, head.projection.weight" in done.stdout
    assert "2 fresh: head.projection.weight, head.projection.bias" in done.stdout
    lines = [json.loads(line) for line in (output / "metrics.json").read_text().splitlines()]
    assert any("detection/frame_mAP" in line for line in lines)

    test = ["test.loader.num_workers=0", "clip.frames=8", "clip.short_side=32", overrides[0]]
    weights = ["--weights", str(output / "model.safetensors")]
    features = ["--features", str(tmp_path / "features.npz")]
    done = run(command("test", config, tmp_path / "test", *weights, *features, *test), environment)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "test" / "detections.csv").read_text().splitlines()
    assert len(np.load(tmp_path / "features.npz")["feature"]) == len(rows) / 21
    files = {name: str(tmp_path / "test" / name) for name in ("detections.csv", "ground_truth.csv")}
    evaluate = [sys.executable, "tools/evaluate.py", files["detections.csv"], "--ground-truth"]
    evaluate += [files["ground_truth.csv"], "--class-map", str(tmp_path / "test/classes.pbtxt")]
    evaluate += ["--protocol", "uncapped", "--json", str(tmp_path / "again.json")]
    done = run(evaluate, environment)
    assert done.returncode == 0, done.stderr
    first = json.loads((tmp_path / "test" / "result.json").read_text())
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["mAP"] == pytest.approx(first["mAP"], abs=1e-3)  # the csv rounds scores


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["pretrain", "configs/nowhere.py"], 1, "configs/nowhere.py: no such config"),
        (["pretrain", PRETRAIN[0], "train.max_iter"], 1, "bad override"),
        (["pretrain", PRETRAIN[0], "dataloader.train.dataset=ava"], 1, "unknown data set 'ava'"),
        (["finetune", FINETUNE[0]], 2, "--weights --from-scratch is required"),
        (
            ["finetune", FINETUNE[0], "--weights", "none.safetensors"],
            1,
            "none.safetensors: No such file",
        ),
        (["finetune", FINETUNE[0], "--weights", __file__], 1, "test_training_tools.py: not a"),
    ],
)
def test_bad_input_is_one_line(tmp_path, environment, arguments, code, message):
    tool, config, *rest = arguments
    done = run(command(tool, config, tmp_path / "run", *rest), environment)
    assert done.returncode == code, done.stderr
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_one_line(tmp_path, environment):
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run(command("pretrain", PRETRAIN[0], blocked / "run"), environment)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: {blocked}")


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path, environment):
    """The same draws; batch norm is not synchronised, so only the data and the course agree."""
    config, *overrides = PRETRAIN
    seen = []
    for processes in (1, 2):
        output = tmp_path / str(processes)
        rest = [*SMALL, *overrides, "train.max_iter=3", "train.log_period=1"]
        rest += [f"{loader}.num_workers=1" for loader in ("dataloader.train", "test.loader")]
        arguments = command("pretrain", config, output, "--num-processes", str(processes), *rest)
        done = run(arguments, environment)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        lines = [json.loads(line) for line in (output / "metrics.json").read_text().splitlines()]
        seen.append([line["total_loss"] for line in lines if "total_loss" in line])
        assert (output / "model.safetensors").exists()
    assert len(seen[0]) == len(seen[1]) == 3
