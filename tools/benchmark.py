"""What models, data, loaders, evaluations and mixes cost.

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

`flops` counts parameters and multiply-adds of one clip with fvcore, by default for every published
model. `load` holds our loader against `torch.load` and `load_state_dict` of a plain file of the
same weights, turn by turn, and reads the peak of memory, for which it needs Linux. `index` loads a
data set of made-up annotations and frame lists, by default of the size of AVA's training set.
`evaluate` measures tools/evaluate.py on made-up results, by default as many as AVA val's, and the
official evaluator where a folder has it. `mix` holds VideoMix against PyTorchVideo's `CutMix`, turn
by turn, and against a training step of SlowFast-50 8x8, in seconds of one core. `read` holds our
video reader against PyTorchVideo's `EncodedVideo` on the same windows of the same files. `loader`
trains for a while and says how long steps wait for clips, which are decoded or come from a cache.
`step` compares a training step in float32, with channels last, in bfloat16 and with both. `persons`
holds person detectors against each other on the same frames, the ratios to the first. `walks`
counts the calls that enter another module on the three main paths. A config is Python code and is
run, and so is the official evaluator: use only those that you trust.
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
    """The command line."""
    parser = cli.Parser(description="What models, data, loaders, evaluations and mixes cost.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=module.HELP))
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure what the subcommand says."""
    COMMANDS[args.command].run(args)


if __name__ == "__main__":
    cli.run(parser(), main)
