"""What models, data sets and evaluations cost.

    python tools/benchmark.py flops configs/published/kinetics_slow_r50_8x8.py
    python tools/benchmark.py flops --size 256 --markdown
    python tools/benchmark.py load configs/published/kinetics_slowfast_r50_8x8.py
    python tools/benchmark.py index
    python tools/benchmark.py evaluate --ground-truth ava_val.csv.gz --class-map list.pbtxt

`flops` counts parameters and multiply-adds of one clip with fvcore, by default for every published
model. `load` holds our loader against `torch.load` and `load_state_dict` of a plain file of the
same weights, turn by turn, and reads the peak of memory, for which it needs Linux. `index` loads a
data set of made-up annotations and frame lists, by default of the size of AVA's training set.
`evaluate` measures tools/evaluate.py on made-up results, by default as many as AVA val's, and the
official evaluator where a folder has it. A config is Python code and is run, and so is the official
evaluator: use only those that you trust.
"""

import argparse
import ast
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ava_det import cli
from ava_det.structures import InputError

PUBLISHED = Path(__file__).resolve().parents[1] / "configs" / "published"
COLUMNS = ("config", "model", "clip", "parameters, M", "GMAC")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="What models, data sets and evaluations cost.")
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
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure what the subcommand says."""
    {"flops": flops, "load": load, "index": index, "evaluate": evaluate}[args.command](args)


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
