"""Pretrain a backbone on a classification set, with VideoMix or another mix.

    ava-det pretrain --config configs/pretrain/jhmdb_slowfast_tiny.py --output runs/pretrain

The weights end up in OUTPUT/model.safetensors. A config is Python code and is run: use only configs
that you trust.

Read on: docs/training.md, docs/paper_configs.md.
"""

import argparse

from ava_det import cli


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    cli.add_training_arguments(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Train; the weights end up in OUTPUT/model.safetensors."""
    from ava_det.train.run import train_from_arguments

    train_from_arguments(args)
