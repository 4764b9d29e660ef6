"""Fine-tune an action detector: a RoI head on a pretrained backbone.

    python tools/finetune.py --config configs/finetune/jhmdb_slowfast_tiny.py \\
        --weights runs/pretrain/model.safetensors --output runs/finetune

A config is Python code and is run: use only those that you trust.
"""

import argparse
import json

from ava_det import cli
from ava_det.structures import InputError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description="Fine-tune an action detector.")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--weights", help="what tools/pretrain.py left behind")
    start.add_argument("--from-scratch", action="store_true", help="random weights")
    cli.add_training_arguments(parser)
    parser.add_argument(
        "--classes-of",
        nargs=2,
        metavar=("TRAIN", "TEST"),
        help="data sets to train and test on, names or descriptions (docs/custom_data.md); the "
        "head is made anew with as many classes as they have",
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Train; the weights end up in OUTPUT/model.safetensors."""
    from ava_det.train.run import train_from_arguments

    if args.weights and "=" in args.weights:
        raise InputError(f"{args.weights}: a weight file's name may not have '=' in it")
    overrides = [f"train.init={args.weights}"] if args.weights else []
    train_from_arguments(
        args, *overrides, *(own_classes(*args.classes_of) if args.classes_of else [])
    )


def own_classes(train: str, test: str) -> list[str]:
    """Overrides of a config that put these data sets, and their classes, in place of its own.

    Raises:
        InputError: an unknown data set, or classes that differ.
    """
    from ava_det.data.build import get_class_map

    classes = get_class_map(train)
    if get_class_map(test) != classes:
        raise InputError(f"{test}: its classes are not those of {train}")
    names = {"dataloader.train.dataset": train, "class_map.name": train}
    names["test.loader.records.names"] = test
    quoted = [f"{key}={json.dumps(name)}" for key, name in names.items()]
    return [*quoted, f"model.num_classes={len(classes)}"]
