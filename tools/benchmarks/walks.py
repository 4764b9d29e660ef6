"""Counts the calls that enter another module of the package on the three main paths.

A path begins where a person calls the package from Python: with files for an evaluation, with a
loaded config for a loader, and with a loaded detector for a video. A stop is a function of
`ava_det` that is called from another module of `ava_det`, or from this program. Each function
counts once a path. Imports, and the `__init__` that a dataclass generates, do not count. The second
figure leaves out the calls that `formats` and `video` make, inside the reading of a file. The
inputs are small and drawn here.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

HELP = "calls that enter another module of the package, on the three main paths"
TOOLS = Path(__file__).resolve().parents[1]
PACKAGE = "ava_det."
PROGRAMS = {"__main__", __name__}
READERS = "ava_det.formats.", "ava_det.video."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument("--list", action="store_true", help="name every stop")


def run(args: argparse.Namespace) -> None:
    """Run the three paths and print the number of stops of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_inputs(folder)
        for path, stops in walks(folder).items():
            outside = sum(stops.values())
            print(f"{path}: {len(stops)} stops, {outside} outside of readers")
            if args.list:
                print(*(f"    {stop}" for stop in stops), sep="\n")


def walks(folder: Path) -> dict[str, dict[str, bool]]:
    """The stops of each path, in order; `draw_inputs` has filled the folder."""
    return {
        "from a results csv to its mAP": _evaluation(folder),
        "from a data set to a loader": _loader(folder / "data.toml"),
        "from a video to its detections": _detection(folder),
    }


class Walk:
    """Records, in order, the stops of all calls inside the `with` block.

    Attributes:
        stops: Whether a call from outside of the readers of files makes the stop.
    """

    def __init__(self) -> None:
        self.stops: dict[str, bool] = {}

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
            return  # a module that is imported, a comprehension or a lambda
        caller = frame.f_back
        while caller is not None and not (_in_package(caller) or _module(caller) in PROGRAMS):
            caller = caller.f_back
        if caller is None or (_in_package(caller) and caller.f_code.co_name == "<module>"):
            return
        if _module(caller) != _module(frame):
            stop = f"{_module(frame)}.{code.co_qualname}"
            self.stops[stop] = self.stops.get(stop, False) or not _module(caller).startswith(
                READERS
            )


def _module(frame: FrameType) -> str:
    return frame.f_globals.get("__name__", "")


def _in_package(frame: FrameType) -> bool:
    return _module(frame).startswith(PACKAGE)


def _evaluation(folder: Path) -> dict[str, bool]:
    """The stops from a csv of results to figures."""
    from ava_det import evaluate

    with Walk() as walk:
        evaluate(folder / "results.csv", folder / "annotations.csv", folder / "classes.pbtxt")
    return walk.stops


def _loader(description: Path) -> dict[str, bool]:
    """The stops from a config that names a data set to the loader of its training part."""
    from detectron2.config import instantiate

    from ava_det.train.config import load_config

    config = TOOLS.parent / "configs" / "finetune" / "own_slowfast_tiny.py"
    cfg = load_config(str(config), [f"data.train={description}"])
    with Walk() as walk:
        instantiate(cfg.dataloader.train)
    return walk.stops


def _detection(folder: Path) -> dict[str, bool]:
    """The stops from a video to the people on every keyframe and their actions."""
    from ava_det import load_detector

    with load_detector(folder / "action.safetensors", persons="light") as detector, Walk() as walk:
        for _ in detector.detect(folder / "film.mp4"):
            pass
    return walk.stops


def draw_inputs(folder: Path) -> None:
    """Write a video of noise, annotations, a result for each of them and an untrained detector."""
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
