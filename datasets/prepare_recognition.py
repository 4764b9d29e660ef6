"""Make a recognition data set from the videos and the published annotations.

    python datasets/prepare_recognition.py ucf101 --annotations ucfTrainTestlist --videos UCF-101

Videos are resized in parallel. After an interruption, run the command again to continue. Missing or
broken videos are left out of the lists and named in `left_out.csv`.
"""

import argparse
from pathlib import Path

from ava_det import cli
from ava_det.structures import LARGEST_OF_A_CLIP, InputError

NAMES = ["kinetics400", "kinetics600", "kinetics700", "mini_kinetics200"]
NAMES += ["something_v2", "ucf101", "hmdb51", "lists"]


def parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    parser = cli.Parser(description="Make a recognition data set.")
    parser.add_argument("name", choices=NAMES, help="the data set; 'lists' means your own lists")
    add, path = parser.add_argument, Path
    add("--annotations", type=path, required=True, help="folder of the published lists")
    add("--videos", type=path, required=True, help="folder of the videos, at any depth")
    add("--root", type=path, help="output folder (default: $DETECTRON2_DATASETS/NAME)")
    side, above = cli.at_least(16, int, 4320), cli.above_zero(LARGEST_OF_A_CLIP)
    add("--short-side", type=side, default=256, help="pixels; never enlarges")
    add("--as-they-are", action="store_true", help="list the original videos; do not resize")
    add("--rate", type=above, default=30.0, help="frames per second of folders of pictures")
    add("--workers", type=cli.processes, help="processes (default: one per core)")
    return parser


def main(args: argparse.Namespace) -> None:
    """Prepare the data set and print a summary."""
    from ava_det.data.prepare import hmdb51, kinetics, own_lists, something, ucf101
    from ava_det.data.prepare.recognition import Resizing, prepare
    from ava_det.formats.outputs import alone

    readers = dict.fromkeys(NAMES, kinetics.read_annotations) | {
        "mini_kinetics200": kinetics.read_mini_annotations,
        "something_v2": something.read_annotations,
        "ucf101": ucf101.read_annotations,
        "hmdb51": hmdb51.read_annotations,
        "lists": own_lists.read_annotations,
    }
    if args.name == "lists" and not args.root:
        parser().error("for your own lists, give the output folder as --root")
    if not args.annotations.is_dir():
        raise InputError(f"{args.annotations}: no such folder")
    root = args.root or default_root(args.name)
    resizing = None if args.as_they_are else Resizing(args.short_side, args.rate)
    annotations = readers[args.name](args.annotations)
    root.mkdir(parents=True, exist_ok=True)
    with alone(root):
        outcome = prepare(annotations, args.videos, root, resizing, args.workers)
    for name, listed in outcome.listed.items():
        print(f"{root / name}.csv: {listed:,} of {outcome.wanted[name]:,} videos")
    if outcome.left_out:
        print(f"left out: {len(outcome.left_out):,}, named in {root / 'left_out.csv'}")


def default_root(name: str) -> Path:
    """Return the default folder of a data set."""
    from ava_det.data.sets.catalog import datasets_root  # slow: imports detectron2

    return datasets_root() / name


if __name__ == "__main__":
    cli.run(parser(), main)
