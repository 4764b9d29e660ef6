"""Parameters and multiply-adds of one clip."""

import argparse
import ast
from collections.abc import Sequence
from pathlib import Path

from ava_det import cli
from ava_det.structures import InputError

PUBLISHED = Path(__file__).resolve().parents[2] / "configs" / "published"
COLUMNS = ("config", "model", "clip", "parameters, M", "GMAC")
HELP = "parameters and multiply-adds of one clip"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument("configs", nargs="*", type=Path, help="default: all of configs/published")
    parser.add_argument(
        "--size",
        type=cli.at_least(32, int),
        metavar="PIXELS",
        help="of the square clip (default: its short side)",
    )
    parser.add_argument("--markdown", action="store_true", help="as a table of docs/models.md")


def run(args: argparse.Namespace) -> None:
    """Print a line a config, as soon as it is counted."""
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
