"""Inspect, convert, compare and run weight files of any known codebase.

    ava-det weights inspect SLOWFAST_8x8_R50.pkl
    ava-det weights convert --model kinetics_slowfast_r50_8x8 \\
        --weights SLOWFAST_8x8_R50.pkl --output slowfast.safetensors
    ava-det weights compare slowfast.safetensors SLOWFAST_8x8_R50.pkl
    ava-det weights run --model kinetics_slowfast_r50_8x8 \\
        --weights slowfast.safetensors --inputs in.npz --output logits.npy

A weight file is never run. A config is Python code and is run: use only configs that you trust.

Read on: docs/weights.md, docs/models.md.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from ava_det import cli
from ava_det.formats.outputs import outputs
from ava_det.structures import InputError

INSPECT = """Print the codebase, the architecture, the classes and the sizes of weight files.

    ava-det weights inspect SLOWFAST_8x8_R50.pkl --names

Read on: docs/weights.md.
"""
COMPARE = """List the weights in which two files differ, the largest differences first.

    ava-det weights compare slowfast.safetensors SLOWFAST_8x8_R50.pkl --tolerance 1e-6

The files may be of different codebases. The exit code is 1 if they differ.

Read on: docs/weights.md.
"""
CONVERT = """Load a weight file into a model, and write the weights in another format.

    ava-det weights convert --model kinetics_slowfast_r50_8x8 \\
        --weights SLOWFAST_8x8_R50.pkl --output slowfast.safetensors

Read on: docs/weights.md, docs/models.md.
"""
RUN = """Compute the logits of a model for given clips, and write them as npy.

    ava-det weights run --model kinetics_slowfast_r50_8x8 \\
        --weights slowfast.safetensors --inputs in.npz --output logits.npy

The logits are N x K; those of a detector are R x K, in the order of the boxes.

Read on: docs/weights.md, docs/models.md.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser(
        "inspect", help="describe the content of a file", description=INSPECT
    )
    inspect.add_argument("weights", type=Path, nargs="+", help="weight files")
    inspect.add_argument("--names", action="store_true", help="list every weight")
    compare = commands.add_parser(
        "compare",
        help="list the differences of two files; fail if they differ",
        description=COMPARE,
    )
    compare.add_argument("weights", type=Path, nargs=2, help="two weight files")
    compare.add_argument(
        "--top",
        type=cli.at_least(0, int),
        default=10,
        help="number of differences to list",
    )
    compare.add_argument(
        "--tolerance",
        type=cli.at_least(0, float),
        default=0.0,
        help="largest difference to ignore",
    )
    convert = commands.add_parser(
        "convert", help="write a file in another format", description=CONVERT
    )
    run = commands.add_parser(
        "run", help="compute the logits of a model for given clips", description=RUN
    )
    for command in (convert, run):
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument("--model", metavar="NAME", help="a published model, see docs/models.md")
        which.add_argument("--config", metavar="FILE", help="a config with a model of your own")
        command.add_argument(
            "--weights", type=Path, required=True, help="a weight file of any known format"
        )
        command.add_argument("--output", type=Path, required=True, help="file to write")
        command.add_argument(
            "--unchecked",
            action="store_true",
            help="load weights of a model with other pixels or wiring",
        )
        command.add_argument(
            "overrides", nargs="*", metavar="path.key=value", help="config overrides"
        )
    targets = ("ava_det", "pyslowfast", "pytorchvideo")
    convert.add_argument(
        "--to", choices=targets, default="ava_det", help="format to write (default: ava_det)"
    )
    convert.add_argument("--classes", type=Path, help="class list to store in a file of ava_det")
    convert.add_argument(
        "--keep-optimizer", action="store_true", help="copy the state of the optimizer"
    )
    run.add_argument(
        "--inputs",
        type=Path,
        required=True,
        help="npz with `clip`, or `slow` and `fast`, N x 3 x T x H x W, uint8 or normalised "
        "floats; and for a detector `boxes`, R x 5: index of the clip, then x1 y1 x2 y2 in pixels",
    )
    return parser


def main(args: argparse.Namespace) -> int | None:
    """Run the subcommand; refuse an output that another process writes."""
    if args.command == "inspect":
        return inspect(args)
    if args.command == "compare":
        return compare(args)
    with outputs(args.output, overwrite=True):
        return convert(args) if args.command == "convert" else run(args)


def inspect(args: argparse.Namespace) -> None:
    """Print a description of each file."""
    from ava_det.weights.describe import describe
    from ava_det.weights.load import read_file

    for path in args.weights:
        lines = describe(read_file(path), args.names)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", *lines, sep="\n  ")


def compare(args: argparse.Namespace) -> int:
    """Print the largest differences of two files; 1 if they differ."""
    from ava_det.weights.describe import differences
    from ava_det.weights.load import read_file

    found = differences(*map(read_file, args.weights))
    beyond = [difference for difference in found if difference.largest > args.tolerance]
    for difference in beyond[: args.top]:
        print(f"{difference.name}: {difference.words}")
    print(f"{len(beyond)} weights differ by more than {args.tolerance:g}")
    return cli.FAILED if beyond else 0


def load(args: argparse.Namespace) -> tuple[Any, Any]:
    """The config and the model with the weights; the report goes to stderr."""
    from detectron2.config import instantiate

    from ava_det.train.config import load_config, published_config
    from ava_det.weights.load import load_weights

    if args.model:
        cfg = published_config(args.model, args.overrides)
    else:
        cfg = load_config(args.config, args.overrides)
    model = instantiate(cfg.model).eval()
    print(load_weights(args.weights, model, check=not args.unchecked), file=sys.stderr)
    return cfg, model


def convert(args: argparse.Namespace) -> None:
    """Write the weights in another format."""
    from ava_det.weights.load import export, read_file
    from ava_det.weights.native import save_weights
    from ava_det.weights.torch_files import save_torch_file

    if args.keep_optimizer and args.to == "ava_det":
        raise InputError("a file of ours keeps no optimizer state; --to pyslowfast does")
    cfg, model = load(args)
    if args.to == "ava_det":
        return save_weights(args.output, model.state_dict(), card(cfg, args.classes))
    try:
        content, notes = export(model, args.to)
    except ValueError as error:
        raise InputError(f"{args.model or args.config}: {error}") from error
    print(*(f"note: {line}\n" for line in notes), sep="", end="", file=sys.stderr)
    if args.keep_optimizer:
        content["optimizer_state"] = dict(read_file(args.weights).optimizer)
    return save_torch_file(args.output, content)


def card(cfg: Any, classes: Path | None) -> Any:
    """The card of a config's model; classes without names get numbers."""
    from detectron2.config import LazyCall

    from ava_det.formats.class_map import ClassMap, read_class_map
    from ava_det.train.run import model_card

    count = cfg.model.num_classes
    if classes:
        cfg.class_map = LazyCall(read_class_map)(path=str(classes))
        if (given := len(read_class_map(classes))) != count:
            raise InputError(f"{classes}: {given} classes, but the model has {count}")
    elif "class_map" not in cfg:
        cfg.class_map = LazyCall(ClassMap)(names={k: f"class {k}" for k in range(1, count + 1)})
    return model_card(cfg)


def run(args: argparse.Namespace) -> None:
    """Write the logits (N x K, or R x K in the order of the boxes) as npy."""
    import numpy as np

    from ava_det.formats.atomic import atomic_path
    from ava_det.weights.arrays import logits, read_inputs

    inputs = read_inputs(args.inputs)
    _, model = load(args)
    values = logits(model, inputs)
    with atomic_path(args.output) as partial, partial.open("wb") as file:
        np.save(file, values)
