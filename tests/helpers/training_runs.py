"""Command lines of small training runs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "model.arguments.width=8",
    "clip.frames=8",
    "clip.short_side=32",
    "dataloader.train.batch_size=4",
    "dataloader.train.num_workers=0",
    "test.loader.num_workers=0",
    "train.checkpoint_period=4",
    "train.log_period=2",
]
PRETRAIN = ["configs/pretrain/jhmdb_slowfast_tiny.py", "test.loader.records.every=60"]


def command(tool: str, config: str, output: Path, *rest: str) -> list[str]:
    """Return the command line of a training tool."""
    return [sys.executable, f"tools/{tool}.py", "--config", config, "--output", str(output), *rest]


def pretrain(output: Path, *options: str) -> list[str]:
    """Return the command line of pretraining on JHMDB; overrides may follow."""
    config, *overrides = PRETRAIN
    return command("pretrain", config, output, *options, *SMALL, *overrides)


def run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True)
