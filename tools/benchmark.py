"""Measure the cost of models, data sets, loaders, evaluations and mixes.

    python tools/benchmark.py flops kinetics_slow_r50_8x8
    python tools/benchmark.py flops --size 256 --markdown
    python tools/benchmark.py load kinetics_slowfast_r50_8x8
    python tools/benchmark.py index
    python tools/benchmark.py evaluate --ground-truth ava_val.csv.gz --class-map list.pbtxt
    python tools/benchmark.py mix
    python tools/benchmark.py read videos/ --videos 4
    python tools/benchmark.py loader --config configs/pretrain/jhmdb_slowfast_tiny.py
    python tools/benchmark.py step --config configs/pretrain/jhmdb_slowfast_tiny.py
    python tools/benchmark.py persons VIDEO --weights light yolox_nano.onnx
    python tools/benchmark.py walks --list

The subcommands:

- `flops` counts the parameters and multiply-adds of one clip with fvcore, by default for every
  published model.
- `load` compares our loader with `torch.load` and `load_state_dict` on the same weights, in turns.
  It also measures the peak memory (Linux only).
- `index` loads a data set of synthetic annotations and frame lists, by default of the size of AVA's
  training set.
- `evaluate` measures tools/evaluate.py on synthetic results, by default as many as for AVA val, and
  the official evaluator if a folder of it is given.
- `mix` compares VideoMix with PyTorchVideo's `CutMix`, in turns, and with a training step of
  SlowFast-50 8x8, in seconds of one core.
- `read` compares our video reader with PyTorchVideo's `EncodedVideo` on the same windows.
- `loader` trains for some steps and prints how long the steps wait for decoded or cached clips.
- `step` compares training steps in float32, with channels last, in bfloat16 and with both.
- `persons` compares person detectors on the same frames, relative to the first detector.
- `walks` counts the calls that enter another module on the three main paths.

Configs and the official evaluator are Python code that is run: use only code that you trust.
"""

import argparse

from ava_det import cli
from benchmarks import (
    evaluation,
    flops,
    index,
    loader,
    loading_weights,
    mix,
    persons,
    read,
    step,
    walks,
)

COMMANDS = dict(
    flops=flops,
    load=loading_weights,
    index=index,
    evaluate=evaluation,
    mix=mix,
    read=read,
    loader=loader,
    step=step,
    persons=persons,
    walks=walks,
)


def parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    parser = cli.Parser(description="Measure models, data sets, loaders, evaluations and mixes.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=module.HELP))
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the subcommand."""
    COMMANDS[args.command].run(args)


if __name__ == "__main__":
    cli.run(parser(), main)
