"""Measures our evaluation and the official one."""

import argparse
import tempfile
from pathlib import Path

HELP = "time and memory of an evaluation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("--ground-truth", type=Path, required=True, help="AVA rows")
    parser.add_argument("--class-map", type=Path, required=True, help="pbtxt")
    parser.add_argument("--rows", type=int, default=2_200_000, help="rows of results")
    parser.add_argument("--official", type=Path, help="ActivityNet's folder Evaluation")


def run(args: argparse.Namespace) -> None:
    """Print the cost of our evaluation and, if given, of the official one."""
    from ava_det.evaluation.timing import made_results, official_cost, our_cost
    from ava_det.formats.ava_csv import read_ground_truth, write_detections, write_ground_truth
    from ava_det.formats.class_map import read_class_map

    truth, tool = read_ground_truth(args.ground_truth), Path(__file__).parents[1] / "evaluate.py"
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
