"""Fine-tune an action detector: a RoI head on a pretrained backbone.

    ava-det finetune --config configs/finetune/jhmdb_slowfast_tiny.py \\
        --weights runs/pretrain/model.safetensors --output runs/finetune

The weights end up in OUTPUT/model.safetensors. A config is Python code and is run: use only configs
that you trust.

Read on: docs/training.md, docs/tutorial.md.
"""

import argparse
import json

from ava_det import cli
from ava_det.structures import InputError


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--weights", help="weights from ava-det pretrain")
    start.add_argument("--from-scratch", action="store_true", help="random weights")
    cli.add_training_arguments(parser)
    parser.add_argument(
        "--classes-of",
        nargs=2,
        metavar=("TRAIN", "TEST"),
        help="short for data.train=TRAIN data.test=TEST: the data sets to train and test on, names "
        "or descriptions (docs/custom_data.md); the head has the classes of these sets",
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Train; the weights end up in OUTPUT/model.safetensors."""
    from ava_det.train.run import train_from_arguments

    if args.weights and "=" in args.weights:
        raise InputError(f"{args.weights}: a weight file's name may not have '=' in it")
    overrides = [f"train.init={args.weights}"] if args.weights else []
    for part, name in zip(("train", "test"), args.classes_of or (), strict=False):
        overrides.append(f"data.{part}={json.dumps(name)}")
    train_from_arguments(args, *overrides)
