"""The training tools as a user runs them: handed from one to the next, misused."""

import json
import sys

import numpy as np
import pytest
from training_runs import PRETRAIN, SMALL, command, pretrain, run

TOLERANCE = 1e-5  # relative, of losses: digits of float32; without DDP a second step is 1e-3 off
FINETUNE = [
    "configs/finetune/jhmdb_slowfast_tiny.py",
    "test.loader.records.every=900",
    "dataloader.train.mapper.transform.highest=40",
]


@pytest.fixture
def pretrained(tmp_path, environment):
    done = run([*pretrain(tmp_path / "whole"), "train.max_iter=4"], environment)
    assert done.returncode == 0, done.stderr
    return tmp_path / "whole" / "model.safetensors"


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
    assert any("detection/frame_mAP_uncapped" in line for line in lines)

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
        (["pretrain", PRETRAIN[0], "data.train=ava"], 1, "unknown data set 'ava'"),
        (["finetune", FINETUNE[0]], 2, "--weights --from-scratch is required"),
        (
            ["finetune", FINETUNE[0], "--weights", "none.safetensors"],
            1,
            "none.safetensors: no such file",
        ),
        (["finetune", FINETUNE[0], "--weights", __file__], 1, "test_training_tools.py: not a"),
    ],
)
def test_bad_input_is_one_line(tmp_path, run_tool, arguments, code, message):
    tool, config, *rest = arguments
    done = run_tool(tool, "--config", config, "--output", tmp_path / "run", *rest)
    assert done.code == code, done.err
    assert message in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_an_output_that_cannot_be_written_is_one_line(tmp_path, environment):
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run(command("pretrain", PRETRAIN[0], blocked / "run"), environment)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: {blocked}")


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path, environment):
    """The losses of one process with the doubled batch: the same clips, cuboids, norms and steps.

    VideoMix is another matter: its partners are those in the process.
    """
    config, *overrides = PRETRAIN
    alike = ["train.sync_norm=True", "model.dropout=0", "recipe.mix=cutout", "optimizer.lr=0.01"]
    losses = []
    for processes in (1, 2):
        output = tmp_path / str(processes)
        rest = [*SMALL, *overrides, *alike, "train.max_iter=2", "train.log_period=1"]
        rest += [f"{loader}.num_workers=1" for loader in ("dataloader.train", "test.loader")]
        arguments = command("pretrain", config, output, "--num-processes", str(processes), *rest)
        done = run(arguments, environment)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        lines = [json.loads(line) for line in (output / "metrics.json").read_text().splitlines()]
        losses.append([line["total_loss"] for line in lines if "total_loss" in line])
        assert (output / "model.safetensors").exists()
    assert len(set(losses[0])) == 2
    assert losses[1] == pytest.approx(losses[0], rel=TOLERANCE)
