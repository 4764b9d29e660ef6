"""`tools/ablate.py` as a user runs it: two workers, rows from elsewhere, failures, a real run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]

GRID = """
from ava_det.ablate.grid import Figure, Grid

PROGRAM = '''
import json, pathlib, sys, time
folder, arm, seed = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with open({started!r}, "a") as file:
    file.write(arm + sys.argv[3] + chr(10))
time.sleep({sleep})
if arm == "bad":
    sys.exit("error: out of luck")
lines = [dict(iteration=k, top1=10 * k + seed + (arm == "S")) for k in (1, 2)]
(folder / "metrics.json").write_text(chr(10).join(map(json.dumps, lines)))
(folder / "model.pth").write_text("")
'''

def commands(arm, seed, run):
    return [["-c", PROGRAM, str(run), arm, str(seed)]]

figures = {{"top-1": Figure("metrics.json", "top1")}}
grid = Grid(["plain", "S", "bad"][:{arms}], range(3), commands, figures)
"""


@pytest.fixture
def make(tmp_path):
    def write(arms=2, sleep=0.0):
        path, started = tmp_path / "small.py", tmp_path / "started"
        path.write_text(GRID.format(started=str(started), arms=arms, sleep=sleep))
        return path, started

    return write


def command(grid, output, *rest):
    tool = str(ROOT / "tools" / "ablate.py")
    return [sys.executable, tool, "--grid", str(grid), "--output", str(output), *map(str, rest)]


@pytest.fixture
def run(run_tool):
    def call(grid, output, *rest):
        return run_tool("ablate", "--grid", grid, "--output", output, *rest)

    return call


@pytest.mark.slow
def test_a_grid_and_what_it_leaves(make, run, tmp_path):
    grid, started = make()
    done = run(grid, tmp_path / "out")
    assert done.code == 0, done.err
    assert started.read_text().split() == ["plain0", "S0", "plain1", "S1", "plain2", "S2"]
    table = (tmp_path / "out" / "table.md").read_text()
    assert table == done.out.removesuffix("\n")
    assert table.startswith("# small\n\n6 of 6 runs.\n")
    assert "| S | 3 | 22.00 | 1.00 | 21.00 | 23.00 |" in table
    assert "| S - plain | 3 | +1.00 | +1.00 to +1.00 | 0.0000 | 0.2500 |" in table
    rows = pd.read_csv(tmp_path / "out" / "results.csv")
    assert rows["top-1 curve"][0] == "1:10 2:20"
    assert rows["steps"].tolist() == [2] * 6
    assert pd.read_csv(tmp_path / "out" / "summary.csv")["mean"].tolist() == [21, 22]
    assert (tmp_path / "out" / "curves.png").stat().st_size > 10_000
    assert not list((tmp_path / "out").rglob("*.pth"))


@pytest.mark.slow
def test_rows_from_elsewhere_are_not_run_again(make, run, tmp_path):
    grid, started = make()
    rows = tmp_path / "rows.csv"
    assert run(grid, tmp_path / "a", "--results", rows, "--seeds", 0, 1).code == 0
    done = run(grid, tmp_path / "b", "--results", rows)
    assert done.code == 0, done.err
    assert started.read_text().split()[4:] == ["plain2", "S2"]
    assert len(list((tmp_path / "b").glob("*-*"))) == 2


@pytest.mark.slow
def test_two_workers_share_a_grid(make, tmp_path):
    grid, started = make(sleep=0.5)
    workers = [
        subprocess.Popen(command(grid, tmp_path / "out"), stdout=subprocess.PIPE) for _ in range(2)
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    for worker in workers:
        worker.stdout.close()
    assert sorted(started.read_text().split()) == sorted(
        f"{a}{s}" for a in ("plain", "S") for s in "012"
    )
    assert len(pd.read_csv(tmp_path / "out" / "results.csv")) == 6


@pytest.mark.slow
def test_a_failure_is_one_line_and_the_grid_goes_on(make, run, tmp_path):
    grid, started = make(arms=3)
    done = run(grid, tmp_path / "out")
    assert done.code == 1
    failures = [line for line in done.err.replace("\r", "\n").splitlines() if "error" in line]
    assert len(failures) == 3
    assert "error: bad, seed 0: -c failed with exit code 1: error: out of luck (" in failures[0]
    assert "Traceback" not in done.err
    assert len(started.read_text().split()) == 9
    assert "Partial: 6 of 9 runs." in done.out
    assert "| bad | 0 |" in done.out


@pytest.mark.slow
def test_a_stopped_grid_stops_its_command_and_goes_on(make, run, tmp_path):
    grid, started = make(sleep=30)
    # As a shell starts a program in the background: with SIGINT ignored.
    worker = subprocess.Popen(
        command(grid, tmp_path / "out"),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    while not started.exists():
        assert worker.poll() is None
        time.sleep(0.02)
    before = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate()
    assert time.monotonic() - before < 20  # not the command's 30
    assert worker.returncode == 143
    assert "Traceback" not in errors
    done = run(make()[0], tmp_path / "out")
    assert done.code == 0, done.err


def test_report_and_against(make, run, tmp_path):
    grid, started = make()
    run(grid, tmp_path / "out", "--seeds", 0)
    done = run(grid, tmp_path / "out", "--report", "--against", "S")
    assert done.code == 0, done.err
    assert len(started.read_text().split()) == 2
    assert "| plain - S | 1 | -1.00 |" in done.out
    assert "| S - plain |" not in done.out


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (["--arms", "plain", "x"], "no arm x; its arms: plain, S"),
        (["--against", "y"], "no arm y"),
    ],
)
def test_unknown_arms_are_one_line(make, run, tmp_path, rest, message):
    done = run(make()[0], tmp_path / "out", *rest)
    assert done.code == 1
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_damaged_rows_are_named(make, run, tmp_path):
    (tmp_path / "rows.csv").write_text("arm,seed,recipe,top-1\nplain,0,r,x\n")
    done = run(make()[0], tmp_path / "out", "--results", tmp_path / "rows.csv")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "rows.csv: row 2: top-1 'x' is not a number" in done.err


REAL = """
import runpy
from dataclasses import replace

given = runpy.run_path({path!r})
SMALL = ["model.arguments.width=8", "clip.short_side=32", "dataloader.train.batch_size=4"]
SMALL += ["train.max_iter=6", "train.eval_period=3", "test.loader.records.every=60"]
SMALL += [f"{{k}}.mapper.reader.folder={cache}" for k in ("dataloader.train", "test.loader")]

def commands(arm, seed, run):
    return [[*command, *SMALL] for command in given["commands"](arm, seed, run)]

grid = replace(given["grid"], commands=commands, seeds=[0])
"""


@pytest.mark.slow
def test_the_grid_of_jhmdb_runs(tmp_path, shared):
    path = str(ROOT / "configs" / "ablate" / "jhmdb_mixes.py")
    (tmp_path / "real.py").write_text(REAL.format(path=path, cache=tmp_path / "cache"))
    arms = ["--arms", "S-VideoMix, 25 %"]
    environment = {**os.environ, "DETECTRON2_DATASETS": str(shared / "data")}
    done = subprocess.run(
        command(tmp_path / "real.py", tmp_path / "out", *arms),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(tmp_path / "out" / "results.csv")
    assert rows["arm"].tolist() == ["S-VideoMix, 25 %"]
    assert rows["steps"].tolist() == [6]
