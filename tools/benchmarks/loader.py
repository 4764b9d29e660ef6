"""Measures how long training steps wait for clips, and which part is the bottleneck."""

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ava_det import cli
from benchmarks.step import step_on

if TYPE_CHECKING:
    from omegaconf import DictConfig

HELP = "share of the time that training steps wait for clips"


class Cost(NamedTuple):
    """The cost of the steps of preparing a clip, in milliseconds of one core."""

    decode: float
    transform: float
    rest: float

    @property
    def total(self) -> float:
        """Return the cost of a clip for a worker."""
        return sum(self)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("--config", required=True, help="a config file below configs/")
    some, warm = cli.at_least(1, int), cli.at_least(3, int)
    parser.add_argument("--steps", type=some, default=40, help="measured steps")
    parser.add_argument("--warmup", type=warm, default=10, help="steps before the measurement")
    parser.add_argument("--clips", type=some, default=64, help="clips to measure")
    parser.add_argument("overrides", nargs="*", metavar="path.key=value", help="config overrides")


def run(args: argparse.Namespace) -> None:
    """Train with cached clips and with decoded clips, one after the other."""
    import torch

    from ava_det.train.config import load_config

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for cached in (True, False):
            cfg = load_config(args.config, args.overrides)
            measure(cfg, args, Path(folder) if cached else None)


def measure(cfg: "DictConfig", args: argparse.Namespace, cache: Path | None) -> None:
    """Print the cost of one way of reading, and how long the steps wait."""
    from detectron2.engine.hooks import IterationTimer

    from ava_det.train.run import build_trainer
    from ava_det.video.cache import CachedVideoReader
    from ava_det.video.video import VideoReader

    side = cfg.dataloader.train.mapper.reader.get("short_side")
    _, loader, trainer = build_trainer(cfg)
    draws, batch = loader.dataset, cfg.dataloader.train.batch_size
    draws.mapper.reader = CachedVideoReader(cache, side) if cache else VideoReader(side)
    if cache:  # fill the cache before the measurement
        for number in range((args.steps + args.warmup + 4) * loader.batch_size):
            draws[number]
    cost = cost_of(draws, args.clips)
    model = 1e3 * step_on(trainer, loader, rounds=7) / batch
    trainer.register_hooks([IterationTimer()])
    trainer.reset_data_loader(lambda: loader)
    trainer.train(0, args.warmup + args.steps)
    waited, steps = (
        [value for value, _ in trainer.storage.history(name).values()][-args.steps :]
        for name in ("data_time", "time")
    )
    share = waiting_share(waited, steps)
    print(f"{'cached' if cache else 'decoded'}, milliseconds of a core for a clip: read ", end="")
    print(f"{cost.decode:.2f}, transform {cost.transform:.2f}, the rest {cost.rest:.2f}; ", end="")
    print(f"model {model:.2f}")
    print(f"    steps of {batch} clips wait {100 * share:.1f} % of their time, ", end="")
    print(f"num_workers={cfg.dataloader.train.num_workers};", end=" ")
    print(f"with a core each, {workers_needed(cost.total, model)} would keep up", flush=True)


def waiting_share(waited: Sequence[float], steps: Sequence[float]) -> float:
    """Return the share of the steps' time that is waiting."""
    return sum(waited) / sum(steps)


def workers_needed(preparing: float, model: float) -> int:
    """Return how many workers, each with one core, keep up with the model on another core.

    Args:
        preparing: The time that a worker needs for a clip.
        model: The time that the model needs for a clip, in the same unit.
    """
    return math.ceil(preparing / model)


def cost_of(draws: Any, clips: int) -> Cost:
    """Measure the cost of clips in this process, without the first draw, which opens files."""
    mapper, kept = draws.mapper, (draws.mapper.reader, draws.mapper.transform)
    reader, transform = mapper.reader, Watched(mapper.transform)
    frames, times = Watched(reader.frames), Watched(reader.times)
    mapper.reader, mapper.transform = WatchedReader(times, frames), transform
    try:
        draws[0]
        for watched in (frames, times, transform):
            watched.seconds = 0.0
        start, count = time.process_time(), 0
        while count < clips:
            count += len(draws[count + 1].sample.clips)
        total = time.process_time() - start
    finally:
        mapper.reader, mapper.transform = kept
    decode = frames.seconds + times.seconds
    rest = total - decode - transform.seconds
    return Cost(*(1e3 * part / count for part in (decode, transform.seconds, rest)))


class Watched:
    """A function that counts its own CPU seconds."""

    def __init__(self, function: Callable[..., Any]):
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        start = time.process_time()
        try:
            return self.function(*arguments)
        finally:
            self.seconds += time.process_time() - start


class WatchedReader(NamedTuple):
    """A reader of clips with watched parts."""

    times: Watched
    frames: Watched
