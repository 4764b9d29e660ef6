"""Counts the calls that enter another module of the package on the three main paths.

A stop is a function of `ava_det` that is called from another module of `ava_det`, or from the
program that a person starts. Each function counts once per path. Code that runs during an import
and generated `__init__` methods do not count. This module makes the small inputs itself.
"""

import argparse
import contextlib
import io
import runpy
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

HELP = "calls that enter another module of the package, on the three main paths"
TOOLS = Path(__file__).resolve().parents[1]
PACKAGE = "ava_det."
PROGRAMS = {"__main__", __name__}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("--list", action="store_true", help="name every stop")


def run(args: argparse.Namespace) -> None:
    """Run the three paths and print the number of stops of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, stops in walks(folder).items():
            print(f"{path}: {len(stops)} stops")
            if args.list:
                print(*(f"    {stop}" for stop in stops), sep="\n")


def walks(folder: Path) -> dict[str, list[str]]:
    """Return the stops of each path, in order. `folder` gets the inputs and outputs."""
    video = draw_inputs(folder)
    truth, classes = folder / "annotations.csv", folder / "classes.pbtxt"
    evaluate = [folder / "results.csv", "--ground-truth", truth, "--class-map", classes]
    weights = ["--weights", folder / "action.safetensors", "--persons", "light"]
    return {
        "from a results csv to its mAP": _tool("evaluate", *evaluate),
        "from a data set to a loader": _loader(folder / "data.toml"),
        "from a video to its detections": _tool(
            "detect", video, "--output", folder / "out", *weights
        ),
    }


class Walk:
    """Records, in order, the stops of all calls inside the `with` block."""

    def __init__(self) -> None:
        self.stops: dict[str, None] = {}

    def __enter__(self) -> "Walk":
        sys.setprofile(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _event(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or not _in_package(frame) or code.co_filename == "<string>":
            return
        if code.co_name.startswith("<"):
            return  # an import, a comprehension or a lambda
        caller = frame.f_back
        while caller is not None and not (_in_package(caller) or _module(caller) in PROGRAMS):
            caller = caller.f_back
        if caller is None or (_in_package(caller) and caller.f_code.co_name == "<module>"):
            return
        if _module(caller) != _module(frame):
            self.stops.setdefault(f"{_module(frame)}.{code.co_qualname}")


def _module(frame: FrameType) -> str:
    return frame.f_globals.get("__name__", "")


def _in_package(frame: FrameType) -> bool:
    return _module(frame).startswith(PACKAGE)


def _tool(name: str, *arguments: object) -> list[str]:
    """Run `tools/NAME.py` in this process with a command line and return the stops."""
    walk, path = Walk(), str(TOOLS / f"{name}.py")
    with _command_line([path, *map(str, arguments)]), contextlib.redirect_stderr(io.StringIO()):
        try:
            with contextlib.redirect_stdout(io.StringIO()), walk:
                runpy.run_path(path, run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise
    return list(walk.stops)


@contextlib.contextmanager
def _command_line(words: Sequence[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, list(words)
    try:
        yield
    finally:
        sys.argv = before


def _loader(description: Path) -> list[str]:
    """Return the stops from the config of a data set to the loader of the training part."""
    from detectron2.config import instantiate

    from ava_det.train.config import load_config

    config = TOOLS.parent / "configs" / "finetune" / "own_slowfast_tiny.py"
    with Walk() as walk:
        cfg = load_config(str(config), [f"data.train={description}"])
        instantiate(cfg.dataloader.train)
    return list(walk.stops)


def draw_inputs(folder: Path) -> Path:
    """Write a video of noise, annotations, one result per annotation and an untrained detector.

    Returns:
        The path of the video.
    """
    import numpy as np
    import torch

    from ava_det.model.zoo import build_detector
    from ava_det.structures import ClipShape
    from ava_det.video.writer import VideoWriter
    from ava_det.weights.card import ModelCard
    from ava_det.weights.native import save_weights

    video = folder / "film.mp4"
    rng = np.random.default_rng(0)
    with VideoWriter(video, 96, 128, 25.0, threads=1) as writer:
        for _ in range(30):
            writer.write(rng.integers(256, size=(96, 128, 3), dtype=np.uint8))
    rows = [f"film,{tick},0.1,0.1,0.6,0.9,{1 + tick % 3}" for tick in range(0, 30, 5)]
    (folder / "annotations.csv").write_text("\n".join(f"{row},0" for row in rows) + "\n")
    (folder / "results.csv").write_text("\n".join(f"{row},0.5" for row in rows) + "\n")
    items = [f'item {{ name: "action {i}" id: {i} }}' for i in (1, 2, 3)]
    (folder / "classes.pbtxt").write_text("\n".join(items) + "\n")
    description = 'annotations = "annotations.csv"\nclass_map = "classes.pbtxt"\nvideos = "."\n'
    (folder / "data.toml").write_text(description)
    arguments = {"architecture": "slowfast_tiny", "num_classes": 3, "arguments": {"width": 8}}
    classes = tuple((i, f"action {i}", "") for i in (1, 2, 3))
    torch.manual_seed(0)
    card = ModelCard("detector", arguments, classes, ClipShape(8, 2, 25.0, 32))
    detector = build_detector(**arguments)
    save_weights(folder / "action.safetensors", detector.state_dict(), card)
    return video
