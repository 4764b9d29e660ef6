"""Render the actors, the embedded default data set.

    python datasets/prepare_actors.py

What is there already is kept; what is missing is made.
"""

import argparse
from pathlib import Path

from ava_det import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Render the actors, the embedded data set.")
    parser.add_argument(
        "--root", type=Path, help="their folder (default: $DETECTRON2_DATASETS/actors)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument(
        "--unseen", type=Path, metavar="FILE", help="one more video, of no split, to try things on"
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Render."""
    from ava_det.data import actors
    from ava_det.data.catalog import datasets_root

    sizes = actors.Sizes()
    root = args.root or datasets_root() / "actors"
    actors.prepare(root, sizes, args.seed, workers=args.workers)
    print(root)
    if args.unseen:
        # Another seed than the splits', so another world.
        script = actors.scripts("test", sizes, args.seed + 1)[0]
        actors.write_video(args.unseen, script, sizes)
        print(args.unseen)


if __name__ == "__main__":
    cli.run(parser(), main)
