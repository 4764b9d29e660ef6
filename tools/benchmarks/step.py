"""Measures a training step in several precisions and layouts."""

import argparse
import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ava_det import cli
from benchmarks.measure import Action, medians

if TYPE_CHECKING:
    from ava_det.train.loop import ClipTrainer

HELP = "time of a training step in bfloat16 and with channels last"
VARIANTS = {
    "float32": ("False", "False"),
    "channels last": ("False", "True"),
    "bfloat16": ("bfloat16", "False"),
    "both": ("bfloat16", "True"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("--config", required=True, help="a config file below configs/")
    some = cli.at_least(1, int)
    parser.add_argument("--rounds", type=some, default=15, help="steps per variant")
    parser.add_argument("overrides", nargs="*", metavar="path.key=value", help="config overrides")


def run(args: argparse.Namespace) -> None:
    """Print the time of steps on one batch, in turns, in seconds of one core."""
    import torch

    from ava_det.train.config import load_config
    from ava_det.train.run import build_trainer

    torch.set_num_threads(1)
    batch = load_config(args.config, args.overrides).dataloader.train.batch_size
    steps: dict[str, Action] = {}
    for name, (amp, last) in VARIANTS.items():
        own = [f"train.amp={amp}", f"train.channels_last={last}", "dataloader.train.num_workers=0"]
        cfg = load_config(args.config, [*args.overrides, *own])
        _, loader, trainer = build_trainer(cfg)
        steps[name] = one_step(trainer, loader)
    times = medians(steps, args.rounds)
    print(f"steps of {batch} clips, one core, medians of {args.rounds}, in turns")
    for name, seconds in times.items():
        print(f"{name:14} {seconds:8.3f} s {seconds / times['float32']:6.2f}")


def one_step(trainer: "ClipTrainer", loader: Iterable[Any]) -> Action:
    """Return a function that trains one step, always on the first batch of a loader."""
    from detectron2.utils.events import EventStorage

    batch = next(iter(loader))
    trainer.reset_data_loader(lambda: itertools.repeat(batch))
    trainer.iter = 0

    def step() -> None:
        with EventStorage():
            trainer.run_step()

    return step


def step_on(trainer: "ClipTrainer", loader: Iterable[Any], rounds: int) -> float:
    """Return the median CPU seconds of a step."""
    return medians({"step": one_step(trainer, loader)}, rounds)["step"]
