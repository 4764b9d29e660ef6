"""Counts the parameters and multiply-adds of one clip."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ava_det import cli

if TYPE_CHECKING:
    from ava_det.model.published import Published

COLUMNS = ("model", "what it is", "clip", "parameters, M", "GMAC")
HELP = "parameters and multiply-adds of one clip"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("models", nargs="*", metavar="NAME", help="default: all published models")
    parser.add_argument(
        "--size",
        type=cli.at_least(32, int),
        metavar="PIXELS",
        help="side of the square clip (default: the model's short side)",
    )
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/models.md")


def run(args: argparse.Namespace) -> None:
    """Print one line per model, as soon as the model is counted."""
    from ava_det.model.published import PUBLISHED, published_model

    models = {name: published_model(name) for name in args.models} or PUBLISHED
    if args.markdown:
        print_markdown(COLUMNS)
        print_markdown(["---"] * 3 + ["---:"] * 2)
    for name in sorted(models):
        row = row_of(name, models[name], args.size)
        if args.markdown:
            print_markdown(row)
        else:
            print(f"{row[0]:44} {row[2]:>15} {row[3]:>6} M {row[4]:>6} GMAC", flush=True)


def print_markdown(cells: Sequence[str]) -> None:
    """Print one row of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def row_of(name: str, published: "Published", size: int | None) -> tuple[str, ...]:
    """Return a published model's row: name, description, clip, parameters, multiply-adds."""
    from ava_det.model.cost import cost_of

    frames, side = published.clip.frames, size or published.clip.short_side
    cost = cost_of(published.build(), frames, side, side)
    clip = f"{frames} x {side} x {side}"
    return name, published.about, clip, f"{cost.parameters / 1e6:.2f}", f"{cost.macs / 1e9:.1f}"
