"""The commands of `ava-det`: one module each, with `parser()` and `main(args)`.

A command's module imports nothing heavy before `main` runs, so that `--help` answers at once.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from ava_det import cli
from ava_det.formats.nearest import meant

COMMANDS = {
    "detect": "find people and what they do in a video",
    "evaluate": "measure action detections: frame-mAP and video-mAP",
    "pretrain": "pretrain a backbone on a classification set",
    "finetune": "fine-tune an action detector",
    "test": "run a trained detector or classifier over a test set and measure it",
    "propose": "train a person detector, or find people on keyframes",
    "convert": "convert annotations of CVAT, VIA and COCO to AVA's csv, and back",
    "check": "find what is wrong with a data set",
    "view": "draw the clips that a model sees",
    "weights": "inspect, convert, compare and run weight files",
    "ablate": "run a grid of experiments into one table",
    "demo": "run the whole pipeline on a rendered world",
}

# The extra of the package that a command needs; the others need "train", also `detect`, which runs
# our weights with torch.
EXTRAS = {"evaluate": "video", "convert": "video", "check": "video"}


def run(name: str, arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit.

    Args:
        name: A key of `COMMANDS`.
        arguments: The words after the command. None takes those of the program.
    """
    command = import_module(f"ava_det.commands.{name}")
    cli.run(command.parser(), command.main, arguments, EXTRAS.get(name, "train"))


def main() -> None:
    """The program `ava-det`: run the command that the first word names."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        sys.exit(0 if words else cli.USAGE)
    name, *rest = words
    if name == "--version":
        print(f"ava-det {version('ava_det')}")
        sys.exit(0)
    if name not in COMMANDS:
        what = "option" if name.startswith("-") else "command"
        print(f"ava-det: error: unknown {what} {name}{meant(name, COMMANDS)}", file=sys.stderr)
        sys.exit(cli.USAGE)
    sys.argv = [f"ava-det {name}", *rest]  # argparse names the program by its first word
    run(name)


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    usage = "usage: ava-det COMMAND ...\n\nDetect who does what, where and when in a video.\n"
    return "\n".join([usage, *lines, "\n`ava-det COMMAND --help` explains one."])
