"""Render the actors, the embedded default data set.

    python datasets/prepare_actors.py

Existing videos are kept, and missing videos are rendered. With a scene bias, the place shown in a
training video predicts the action. In a test video, it does not:

    python datasets/prepare_actors.py --scene-bias 0.9 --swapped
"""

import argparse
from dataclasses import replace
from pathlib import Path

from ava_det import cli


def parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    parser = cli.Parser(description="Render the actors, the embedded data set.")
    parser.add_argument(
        "--root",
        type=Path,
        help="folder of the set (default: $DETECTRON2_DATASETS/actors, or .../actors_biased)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--scene-bias",
        type=cli.fraction,
        help="0 to 1: share of the training videos that show the place of their action; with this "
        "option and --swapped, single people are only at places of actions",
    )
    parser.add_argument(
        "--swapped", action="store_true", help="add test splits at the places of other actions"
    )
    parser.add_argument(
        "--sizes",
        nargs="+",
        type=size,
        default=[],
        metavar="NAME=NUMBER",
        help="number of videos of a subset, such as clips_test=400",
    )
    parser.add_argument("--workers", type=cli.processes, help="processes (default: one per core)")
    parser.add_argument(
        "--unseen", type=Path, metavar="FILE", help="also write one video that is in no split"
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Render the data set."""
    from ava_det.data.actors.produce import Sizes, scripts, write_video
    from ava_det.data.sets import actors
    from ava_det.data.sets.catalog import datasets_root
    from ava_det.formats.atomic import sweep
    from ava_det.formats.outputs import alone

    sizes = Sizes(**dict(args.sizes))
    if args.swapped:
        sizes = replace(sizes, swapped=sizes.test, clips_swapped=sizes.clips_test)
    root = args.root or datasets_root() / ("actors_biased" if args.scene_bias else "actors")
    root.mkdir(parents=True, exist_ok=True)
    with alone(root):
        sweep(root)
        actors.prepare(root, sizes, args.seed, args.scene_bias, args.workers)
    print(root)
    if args.unseen:
        # A seed that no split uses gives another world.
        script = scripts("test", replace(sizes, test=1, swapped=0), args.seed + 1)[0]
        write_video(args.unseen, script, sizes)
        print(args.unseen)


def size(text: str) -> tuple[str, int]:
    """Parse the argument NAME=NUMBER."""
    from ava_det.data.actors.produce import SUBSETS

    name, _, number = text.partition("=")
    if name not in SUBSETS or not number.isdecimal():
        known = ", ".join(SUBSETS)
        raise argparse.ArgumentTypeError(f"{text}: want one of {known} = a number of videos")
    if len(number) > 6:
        raise argparse.ArgumentTypeError(f"{text:.60}: want at most 999,999 videos")
    return name, int(number)


if __name__ == "__main__":
    cli.run(parser(), main)
