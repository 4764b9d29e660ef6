"""Compares VideoMix with PyTorchVideo's `CutMix` and a training step of SlowFast-50 8x8."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import medians

if TYPE_CHECKING:
    from torch import Tensor

HELP = "time of VideoMix, CutMix and a training step"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("--batch", type=int, default=8, help="clips per mix")
    parser.add_argument("--step-batch", type=int, default=1, help="clips per training step")
    parser.add_argument("--size", type=int, default=224, metavar="PIXELS", help="side of a clip")
    parser.add_argument("--rounds", type=int, default=21, help="rounds of mixes; a 7th for steps")


def run(args: argparse.Namespace) -> None:
    """Print the time of a mix, of PyTorchVideo's `CutMix` and of a training step."""
    import torch
    from torch.nn.functional import one_hot

    from ava_det.augment.videomix import VideoMix

    torch.set_num_threads(1)
    torch.manual_seed(0)
    clips, labels = torch.rand(args.batch, 3, 32, args.size, args.size), torch.arange(args.batch)
    videomix, cutmix = VideoMix(), pytorchvideo_cutmix()
    actions = {
        "ours": lambda: videomix(clips, one_hot(labels, 400)),
        "theirs": lambda: cutmix(clips, labels),
    }
    ours, theirs = medians(actions, args.rounds).values()
    print(f"{args.batch} x 3 x 32 x {args.size} x {args.size}, medians of {args.rounds}, one core")
    print(f"VideoMix {1e3 * ours:.2f} ms, PyTorchVideo's CutMix {1e3 * theirs:.2f} ms")
    print(f"{ours / theirs:.2f} times as long", flush=True)
    step = training_step(clips[: args.step_batch], labels[: args.step_batch])
    spent = medians({"step": step}, max(1, args.rounds // 7))["step"]
    clip, mixed = spent / args.step_batch, ours / args.batch
    print(f"a step of SlowFast-50 8x8, {args.step_batch} clips: {clip:.2f} s a clip")
    print(f"a mix: {1e3 * mixed:.1f} ms a clip, {100 * mixed / clip:.2f} % of it")


def pytorchvideo_cutmix() -> Callable[..., object]:
    """Load PyTorchVideo's `CutMix` alone: with current torchvision, the package import fails."""
    import importlib
    import sys
    from types import ModuleType

    import pytorchvideo

    name = "pytorchvideo.transforms"
    package = ModuleType(name)
    package.__path__ = [str(Path(folder) / "transforms") for folder in pytorchvideo.__path__]
    sys.modules[name] = package
    try:
        return importlib.import_module(f"{name}.mix").CutMix(num_classes=400)
    finally:
        del sys.modules[name]


def training_step(clips: "Tensor", labels: "Tensor") -> Callable[[], None]:
    """Return a function that runs forward, backward and an SGD step of SlowFast-50 8x8."""
    import torch
    from torch.nn.functional import cross_entropy

    from ava_det.model.zoo import build_classifier

    model = build_classifier("slowfast_r50", 400, {"alpha": 4}).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(clips), labels).backward()
        optimizer.step()

    return step
