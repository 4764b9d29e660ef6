"""Runs of one and of two processes that are stopped or killed, all of their processes at once."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_runs import ROOT, pretrain, run

WORKERS = ["dataloader.train.num_workers=1", "test.loader.num_workers=1"]


@contextmanager
def started(arguments: list[str], environment, log: Path) -> Iterator[subprocess.Popen]:
    """A run with a process group of its own, of which nothing is left afterwards."""
    with log.open("w") as file:
        process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until(reached: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    while not reached():
        assert process.poll() is None, log.read_text()
        time.sleep(0.01)


def has_processes(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "number", "code"),
    [
        (1, signal.SIGTERM, 143),
        (1, signal.SIGINT, 130),
        (2, signal.SIGTERM, 143),
        (2, signal.SIGINT, 130),
    ],
)
def test_a_signal_to_all_processes_ends_a_run_in_order(
    processes, number, code, tmp_path, environment
):
    """The loaders' workers get it, too; there is no other checkpoint than the one it asks for."""
    output, log = tmp_path / "run", tmp_path / "log"
    arguments = pretrain(output, "--num-processes", str(processes))
    arguments += [*WORKERS, "train.max_iter=100000", "train.checkpoint_period=100000"]
    with started([*arguments, "train.log_period=1"], environment, log) as process:
        metrics = output / "metrics.json"
        wait_until(lambda: metrics.exists() and metrics.stat().st_size > 0, process, log)
        os.killpg(process.pid, number)
        assert process.wait(300) == code, log.read_text()
    name = (output / "last_checkpoint").read_text()
    iteration = torch.load(output / name, weights_only=True)["iteration"]
    said = log.read_text()
    assert f"stopped by {number.name} after iteration {iteration};" in said
    assert "Traceback" not in said
    assert "exited unexpectedly" not in said
    last = json.loads(metrics.read_text().splitlines()[-1])
    assert last["iteration"] == iteration
    deadline = time.monotonic() + 60  # Python's own helpers end when they see that it is gone
    while has_processes(process.pid):
        assert time.monotonic() < deadline, "workers outlive the run"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.holds("13.11 metrics.json repeats no iteration after a resume")
@pytest.mark.holds("13.11 old numbered checkpoints are swept over restarts")
@pytest.mark.holds("13.11 partial files of a killed run are swept by the next")
@pytest.mark.holds("13.11 equal weights give equal bytes")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_run_resumes_to_the_same_weights(processes, tmp_path, environment):
    """Bit for bit: one thread a process, and a sum of two gradients has one order."""
    several = ("--num-processes", str(processes))
    more = [*WORKERS, "train.max_iter=10", "train.log_period=1", "train.checkpoint_period=2"]
    done = run([*pretrain(tmp_path / "whole", *several), *more], environment)
    assert done.returncode == 0, done.stderr
    output, log = tmp_path / "cut", tmp_path / "log"
    arguments = [*pretrain(output, *several), *more]
    with started(arguments, environment, log) as process:
        wait_until((output / "model_0000003.pth").exists, process, log)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (output / "model.safetensors").exists()
    again = run(arguments, environment)
    assert again.returncode == 1
    assert "holds a run already; continue the run with --resume" in again.stderr
    (output / f".{'0' * 32}.pth").touch()  # as a kill in the middle of a checkpoint leaves it
    done = run([*pretrain(output, *several, "--resume"), *more], environment)
    assert done.returncode == 0, done.stderr
    assert "Starting training from iteration 0" not in done.stdout
    weights = [tmp_path / part / "model.safetensors" for part in ("cut", "whole")]
    torch.testing.assert_close(*map(load_file, weights), rtol=0, atol=0)
    assert weights[0].read_bytes() == weights[1].read_bytes()
    rows = [json.loads(line) for line in (output / "metrics.json").read_text().splitlines()]
    iterations = [row["iteration"] for row in rows]
    assert iterations == sorted(set(iterations))
    # The last line is the test's; the kill may come between the checkpoint of 3 and the line.
    assert set(range(11)) - {3} <= set(iterations)
    kept = sorted(path.name for path in output.iterdir() if path.suffix == ".pth")
    assert kept == ["model_0000007.pth", "model_0000009.pth", "model_final.pth"]
