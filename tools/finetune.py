"""Fine-tune an action detector: a RoI head on a pretrained backbone.

    python tools/finetune.py --config configs/finetune/jhmdb_slowfast_tiny.py \\
        --weights runs/pretrain/model.safetensors --output runs/finetune

A config is Python code and is run: use only those that you trust.
"""

import argparse

from ava_det import cli
from ava_det.structures import InputError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fine-tune an action detector.")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--weights", help="what tools/pretrain.py left behind")
    start.add_argument("--from-scratch", action="store_true", help="random weights")
    cli.add_training_arguments(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Train; the weights end up in OUTPUT/model.safetensors."""
    from ava_det.train.run import train_from_arguments

    if args.weights and "=" in args.weights:
        raise InputError(f"{args.weights}: a weight file's name may not have '=' in it")
    train_from_arguments(args, *([f"train.init={args.weights}"] if args.weights else []))


if __name__ == "__main__":
    cli.run(parser(), main)
