"""The demo's own judgement: each condition on its own, at its border."""

import os
import subprocess
from pathlib import Path

import pytest

from ava_det import cli
from ava_det.commands import demo
from ava_det.formats.config_files import find_config
from ava_det.structures import InputError

SOUND = {
    "trained, ground-truth boxes": 0.5,
    "trained, detected boxes": 0.36,
    "trained, one repeated frame": 0.24,
    "untrained, ground-truth boxes": 0.1,
    "untrained, detected boxes": 0.1,
    "class prior, ground-truth boxes": 0.16,
}


def test_a_sound_result_passes():
    assert demo.unsound(SOUND) == []


@pytest.mark.parametrize(
    ("name", "value", "failure"),
    [
        ("trained, detected boxes", 0.34, "detected boxes"),
        ("trained, one repeated frame", 0.26, "repeated frame"),
        ("class prior, ground-truth boxes", 0.17, "class prior"),
    ],
)
def test_each_condition_can_fail_alone(name, value, failure):
    (found,) = demo.unsound({**SOUND, name: value})
    assert failure in found


def test_learning_too_little_fails():
    assert any(
        "at least 0.5" in f for f in demo.unsound({**SOUND, "trained, ground-truth boxes": 0.49})
    )


def test_the_demo_stays_in_the_current_folder(monkeypatch, tmp_path, capfd):
    """The commands are those of a user, and every file is below runs/demo of the current folder."""
    ran = []

    def stop_at_the_backbone(words, **_):
        ran.append(words[1:])
        done = subprocess.CompletedProcess(words, 0)
        return subprocess.CompletedProcess(words, 3) if "pretrain" in words else done

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DETECTRON2_DATASETS", "")  # the demo sets it
    monkeypatch.setattr(subprocess, "run", stop_at_the_backbone)
    with pytest.raises(InputError, match=r"^ava-det pretrain failed with exit code 3$"):
        demo.main(demo.parser().parse_args([]))
    assert Path.cwd() == tmp_path
    script = os.path.relpath(cli.ROOT / "datasets" / "prepare_actors.py")
    assert ran[0] == [script, "--unseen", "runs/demo/unseen.mp4"]
    arguments = ["--config", "pretrain/actors_slowfast_tiny.py", "--output", "runs/demo/pretrain"]
    assert ran[1] == ["-m", "ava_det", "pretrain", *arguments, "--resume"]
    assert f"$ ava-det pretrain {' '.join(arguments)} --resume\n" in capfd.readouterr().out
    for config in (demo.PRETRAIN, demo.FINETUNE, demo.PERSONS):
        assert find_config(config).is_file()
