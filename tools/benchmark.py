"""What models, data sets, evaluations and mixes cost.

    python tools/benchmark.py flops configs/published/kinetics_slow_r50_8x8.py
    python tools/benchmark.py flops --size 256 --markdown
    python tools/benchmark.py load configs/published/kinetics_slowfast_r50_8x8.py
    python tools/benchmark.py index
    python tools/benchmark.py evaluate --ground-truth ava_val.csv.gz --class-map list.pbtxt
    python tools/benchmark.py mix

`flops` counts parameters and multiply-adds of one clip with fvcore, by default for every published
model. `load` holds our loader against `torch.load` and `load_state_dict` of a plain file of the
same weights, turn by turn, and reads the peak of memory, for which it needs Linux. `index` loads a
data set of made-up annotations and frame lists, by default of the size of AVA's training set.
`evaluate` measures tools/evaluate.py on made-up results, by default as many as AVA val's, and the
official evaluator where a folder has it. `mix` holds VideoMix against PyTorchVideo's `CutMix`, turn
by turn, and against a training step of SlowFast-50 8x8, in seconds of one core. A config is Python
code and is run, and so is the official evaluator: use only those that you trust.
"""

import argparse
import ast
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ava_det import cli
from ava_det.structures import InputError

if TYPE_CHECKING:
    from torch import Tensor

PUBLISHED = Path(__file__).resolve().parents[1] / "configs" / "published"
COLUMNS = ("config", "model", "clip", "parameters, M", "GMAC")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="What models, data sets, evaluations and mixes cost."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    flops = commands.add_parser("flops", help="parameters and multiply-adds of one clip")
    flops.add_argument("configs", nargs="*", type=Path, help="default: all of configs/published")
    flops.add_argument(
        "--size", type=int, metavar="PIXELS", help="of the square clip (default: its short side)"
    )
    flops.add_argument("--markdown", action="store_true", help="as a table of docs/models.md")
    load = commands.add_parser("load", help="time and memory of loading weights")
    load.add_argument("config", type=Path)
    load.add_argument("--weights", type=Path, help="default: random ones in PySlowFast's format")
    load.add_argument("--rounds", type=int, default=11)
    index = commands.add_parser("index", help="time and memory of loading an AVA-shaped data set")
    for name, count in (
        ("videos", 235),
        ("keyframes", 897),
        ("rows", 1_600_000),
        ("frames", 27030),
    ):
        each = "" if name in ("videos", "rows") else " of each video"
        index.add_argument(f"--{name}", type=int, default=count, help=f"{name}{each}")
    evaluate = commands.add_parser("evaluate", help="time and memory of an evaluation")
    evaluate.add_argument("--ground-truth", type=Path, required=True, help="AVA rows")
    evaluate.add_argument("--class-map", type=Path, required=True, help="pbtxt")
    evaluate.add_argument("--rows", type=int, default=2_200_000, help="of the results")
    evaluate.add_argument("--official", type=Path, help="ActivityNet's folder Evaluation")
    mix = commands.add_parser("mix", help="time of VideoMix beside CutMix and a training step")
    mix.add_argument("--batch", type=int, default=8, help="clips to a mix")
    mix.add_argument("--step-batch", type=int, default=1, help="clips to a training step")
    mix.add_argument("--size", type=int, default=224, metavar="PIXELS", help="of a clip")
    mix.add_argument("--rounds", type=int, default=21, help="of mixes; steps are a seventh")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure what the subcommand says."""
    commands = dict(flops=flops, load=load, index=index, evaluate=evaluate, mix=mix)
    commands[args.command](args)


def flops(args: argparse.Namespace) -> None:
    """Print a line a config, as soon as it is counted."""
    if args.size is not None and args.size < 32:
        raise InputError(f"--size {args.size}: a clip has 32 pixels at least")
    if args.markdown:
        print_markdown(COLUMNS)
        print_markdown(["---"] * 3 + ["---:"] * 2)
    for path in args.configs or sorted(PUBLISHED.glob("*.py")):
        row = row_of(path, args.size)
        if args.markdown:
            print_markdown(row)
        else:
            print(f"{row[0]:44} {row[2]:>15} {row[3]:>6} M {row[4]:>6} GMAC", flush=True)


def print_markdown(cells: Sequence[str]) -> None:
    """One row of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def row_of(path: Path, size: int | None) -> tuple[str, ...]:
    """The cells of a config's row: name, what it is, clip, parameters, multiply-adds."""
    from detectron2.config import LazyConfig, instantiate

    from ava_det.model.cost import cost_of

    if not path.is_file():
        raise InputError(f"{path}: no such config")
    cfg = LazyConfig.load(str(path))
    if "model" not in cfg or "clip" not in cfg:
        raise InputError(f"{path}: has no model or no clip")
    side = size or cfg.clip.short_side
    cost = cost_of(instantiate(cfg.model), cfg.clip.frames, side, side)
    words = " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").split())
    clip = f"{cfg.clip.frames} x {side} x {side}"
    return path.stem, words, clip, f"{cost.parameters / 1e6:.2f}", f"{cost.macs / 1e9:.1f}"


def load(args: argparse.Namespace) -> None:
    """Print how long loading takes beside plain torch, and how much memory beyond the model."""
    import torch
    from detectron2.config import instantiate

    from ava_det.model.weights.load import export, load_weights
    from ava_det.model.weights.torch_files import save_torch_file
    from ava_det.train.run import load_config

    torch.set_num_threads(1)
    model = instantiate(load_config(str(args.config), []).model)
    with tempfile.TemporaryDirectory() as folder:
        plain, weights = Path(folder) / "plain.pth", Path(folder) / "weights"
        save_torch_file(plain, {"model_state": model.state_dict()})
        if args.weights:
            shutil.copyfile(args.weights, weights)  # as fresh in the system's cache as the other
        else:
            save_torch_file(weights, export(model, "pyslowfast")[0])

        def by_torch() -> None:
            content = torch.load(plain, map_location="cpu", weights_only=True)
            model.load_state_dict(content["model_state"])

        peak = peak_memory(lambda: load_weights(weights, model))
        times = [
            (seconds(by_torch), seconds(lambda: load_weights(weights, model)))
            for _ in range(args.rounds)
        ]
        size = weights.stat().st_size
    theirs, ours = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{args.weights or 'random weights'}: {size / 1e6:.1f} MB")
    print(f"torch.load and load_state_dict {theirs:.3f} s, load_weights {ours:.3f} s (medians)")
    print(f"{ours / theirs:.2f} times as long, {peak / size:.2f} times the file beyond the model")


def index(args: argparse.Namespace) -> None:
    """Print how long the parts of a data set's index take, and how much memory."""
    from ava_det.data.ava import built_in, load_keyframes
    from ava_det.data.frame_folders import FrameFolder
    from ava_det.data.made_ava import write_made_ava

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        written = write_made_ava(root, args.videos, args.keyframes, args.rows, args.frames)
        print(", ".join(f"{path.name} {path.stat().st_size / 1e6:.0f} MB" for path in written))
        files, kept = built_in(root, "v2.2", "train"), []
        assert isinstance(files.pictures, FrameFolder)
        read = files.pictures.videos
        wall, cpu = time.perf_counter(), time.process_time()
        peak = peak_memory(lambda: kept.append((load_keyframes(files), read())))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ((records, lists),) = kept
    count = sum(map(len, lists.values()))
    print(f"{len(records)} keyframes, {len(records.boxes)} people, {len(records.actions)} labels")
    print(f"{count} frames of {len(lists)} videos; {records.nbytes / 1e6:.0f} MB of arrays")
    print(f"{wall:.1f} s ({cpu:.1f} s of CPU), {peak / 1e6:.0f} MB at the peak")


def evaluate(args: argparse.Namespace) -> None:
    """Print what our evaluation takes and, where it is at hand, the official one."""
    from ava_det.evaluate.timing import made_results, official_cost, our_cost
    from ava_det.formats.ava_csv import read_ground_truth, write_detections, write_ground_truth
    from ava_det.formats.class_map import read_class_map

    truth, tool = read_ground_truth(args.ground_truth), Path(__file__).with_name("evaluate.py")
    with tempfile.TemporaryDirectory() as folder:
        plain, results = Path(folder) / "truth.csv", Path(folder) / "results.csv"
        write_ground_truth(plain, truth)
        made = made_results(truth, read_class_map(args.class_map), args.rows, seed=0)
        write_detections(results, made)
        print(f"{len(truth):,} rows of ground truth, {len(made):,} of results")
        costs = {"tools/evaluate.py": our_cost(tool, args.class_map, plain, results)}
        if args.official:
            costs["official"] = official_cost(args.official, args.class_map, plain, results)
    for name, cost in costs.items():
        print(
            f"{name:18} {cost.seconds:7.1f} s, of computing {cost.computing:7.1f} s, "
            f"{cost.memory / 1e6:6.0f} MB, mAP {cost.mAP:.4f}"
        )


def mix(args: argparse.Namespace) -> None:
    """Print what a mix takes beside PyTorchVideo's `CutMix` and a training step."""
    import torch

    from ava_det.augment.videomix import VideoMix

    torch.set_num_threads(1)
    torch.manual_seed(0)
    clips, labels = torch.rand(args.batch, 3, 32, args.size, args.size), torch.arange(args.batch)
    mixes = (VideoMix(num_classes=400), pytorchvideo_cutmix())
    times = []
    for turn in range(args.rounds + 1):
        order = mixes if turn % 2 else mixes[::-1]
        turns = {id(one): core_seconds(lambda one=one: one(clips, labels)) for one in order}
        times.append([turns[id(one)] for one in mixes])
    ours, theirs = (statistics.median(column) for column in zip(*times[1:], strict=True))
    print(f"{args.batch} x 3 x 32 x {args.size} x {args.size}, medians of {args.rounds}, one core")
    print(f"VideoMix {1e3 * ours:.2f} ms, PyTorchVideo's CutMix {1e3 * theirs:.2f} ms")
    print(f"{ours / theirs:.2f} times as long", flush=True)
    step = training_step(clips[: args.step_batch], labels[: args.step_batch])
    rounds = max(1, args.rounds // 7)
    spent = statistics.median([core_seconds(step) for _ in range(rounds + 1)][1:])
    clip, mixed = spent / args.step_batch, ours / args.batch
    print(f"a step of SlowFast-50 8x8, {args.step_batch} clips: {clip:.2f} s a clip")
    print(f"a mix: {1e3 * mixed:.1f} ms a clip, {100 * mixed / clip:.2f} % of it")


def pytorchvideo_cutmix() -> Callable[..., object]:
    """PyTorchVideo's `CutMix`, past the import of its package, which today's torchvision fails."""
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
    """Forward, backward and a step of SGD of SlowFast-50 8x8."""
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


def core_seconds(action: Callable[[], object]) -> float:
    """What something takes of a core, however busy the machine is."""
    start = time.process_time()
    action()
    return time.process_time() - start


def seconds(action: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def peak_memory(action: Callable[[], object]) -> int:
    """Bytes by which the resident memory at its peak exceeds that before, mapped files included."""

    def status(key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024

    Path("/proc/self/clear_refs").write_text("5")  # the peak is now
    before = status("VmRSS")
    action()
    return status("VmHWM") - before


if __name__ == "__main__":
    cli.run(parser(), main)
