"""Every tool answers a GPU that is not there, and a misspelt device, with one line."""

import numpy as np
import pytest
import torch

from ava_det.model.zoo import build_classifier
from ava_det.video.writer import VideoWriter
from ava_det.weights.codebases import pyslowfast
from ava_det.weights.torch_files import save_torch_file

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
holds = pytest.mark.holds("13.10 a missing GPU says --device cpu, in every tool")

DEVICES = {
    "cuda": "this machine has no GPU that torch can use as cuda",
    "cuda:7": "this machine has no GPU that torch can use as cuda",
    "mps": "this machine has no GPU that torch can use as mps",
    "cdua": "(did you mean cuda?)",
}
PRETRAIN = "configs/pretrain/jhmdb_slowfast_tiny.py"
FINETUNE = "configs/finetune/jhmdb_slowfast_tiny.py"
TRAINING = {  # tool to its other arguments
    "pretrain": ("--config", PRETRAIN),
    "finetune": ("--config", FINETUNE, "--from-scratch"),
    "propose": ("--train", "--dataset", "jhmdb_split1_train"),
    "test": ("--config", FINETUNE, "--untrained"),
}


@holds
@no_gpu
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("tool", TRAINING)
def test_training_and_testing_say_train_device_cpu(run_tool, tmp_path, tool, device):
    output = tmp_path / "out"
    ran = run_tool(tool, *TRAINING[tool], "--output", output, f"train.device={device}")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: train.device=")
    assert DEVICES[device] in ran.err
    assert ran.err.endswith("; train.device=cpu uses the CPU\n")
    assert ran.err.count("\n") == 1
    assert not output.exists()


@pytest.fixture
def video(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", height=64, width=64, rate=25, threads=1) as writer:
        for _ in range(3):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    return tmp_path / "a.mp4"


@holds
@no_gpu
@pytest.mark.parametrize("device", DEVICES)
def test_detecting_says_device_cpu(run_tool, random_weights, tmp_path, video, device):
    weights = random_weights / "action.safetensors"
    ran = run_tool(
        "detect", video, "--output", tmp_path / "out", "--weights", weights, "--device", device
    )
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: --device ")
    assert DEVICES[device] in ran.err
    assert ran.err.endswith("; --device cpu uses the CPU\n")
    assert ran.err.count("\n") == 1


@holds
def test_weights_of_a_config_for_a_gpu_are_handled_on_the_cpu(run_tool, tmp_path, monkeypatch):
    """tools/weights.py moves no model: a config that trains on a GPU is no obstacle."""
    monkeypatch.chdir(tmp_path)
    model = build_classifier("slowfast_tiny", 400, {"width": 8})
    save_torch_file(tmp_path / "a.pyth", pyslowfast.export(model))
    (tmp_path / "a.py").write_text(
        "from detectron2.config import LazyCall as L\n"
        "from ava_det.model.zoo import build_classifier\n"
        "model = L(build_classifier)(architecture='slowfast_tiny', num_classes=400,\n"
        "                            arguments={'width': 8})\n"
        "clip = dict(frames=8, stride=2, rate=None, short_side=32)\n"
        "train = dict(device='cuda')\n"
    )
    words = "convert --config a.py --weights a.pyth --output b.safetensors train.device=cuda:7"
    ran = run_tool("weights", *words.split())
    assert ran.code == 0, ran.err
