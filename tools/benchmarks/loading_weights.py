"""Compares our weight loader with `torch.load`."""

import argparse
import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import medians, peak_memory, seconds

HELP = "time and memory of loading weights"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("model", metavar="NAME", help="a published model")
    parser.add_argument("--weights", type=Path, help="default: random weights, PySlowFast's format")
    parser.add_argument("--rounds", type=int, default=11)


def run(args: argparse.Namespace) -> None:
    """Print the loading time relative to plain torch, and the memory beyond the model."""
    import torch

    from ava_det.model.published import published_model
    from ava_det.weights.load import export, load_weights
    from ava_det.weights.torch_files import save_torch_file

    torch.set_num_threads(1)
    model = published_model(args.model).build()
    with tempfile.TemporaryDirectory() as folder:
        plain, weights = Path(folder) / "plain.pth", Path(folder) / "weights"
        save_torch_file(plain, {"model_state": model.state_dict()})
        if args.weights:
            shutil.copyfile(args.weights, weights)  # so both files are in the system's cache
        else:
            save_torch_file(weights, export(model, "pyslowfast")[0])

        def by_torch() -> None:
            content = torch.load(plain, map_location="cpu", weights_only=True)
            model.load_state_dict(content["model_state"])

        peak = peak_memory(lambda: load_weights(weights, model))
        actions = {"torch": by_torch, "ours": lambda: load_weights(weights, model)}
        times = medians(actions, args.rounds, seconds)
        size = weights.stat().st_size
    theirs, ours = times["torch"], times["ours"]
    print(f"{args.weights or 'random weights'}: {size / 1e6:.1f} MB")
    print(f"torch.load and load_state_dict {theirs:.3f} s, load_weights {ours:.3f} s (medians)")
    print(f"{ours / theirs:.2f} times as long, {peak / size:.2f} times the file beyond the model")
