"""Defines a grid of runs, arms x seeds, runs the commands of a run, and reads the figures.

A grid file is Python, like a config, with a variable `grid`. A run is a list of commands of this
project in one folder. A process holds a run by a lock of the kernel, which ends with the process.
So several processes can share a grid, and a killed process leaves nothing to clean up.
"""

import hashlib
import json
import os
import platform
import re
import runpy
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from ava_det.ablate.rows import Key, Row, write_curve
from ava_det.formats.atomic import atomic_text
from ava_det.formats.nearest import meant
from ava_det.formats.training_log import read_metrics
from ava_det.structures import InputError

ROOT = Path(__file__).resolve().parents[2]  # commands are of this checkout

Command = list[str]


class Figure(NamedTuple):
    """The place of a figure in the files of a run.

    Attributes:
        file: A file in the folder of the run. The whole curve of a `metrics.json` is kept.
        key: The name of the figure in the file. `a/b` is key b of the object under key a.
        scale: A factor for the figure, such as 100 for percent.
        minus: Another file in the folder. Its figure of the same key is subtracted.
    """

    file: str
    key: str
    scale: float = 1.0
    minus: str = ""


@dataclass(frozen=True)
class Grid:
    """Recipes to compare.

    Attributes:
        arms: The names of the recipes, in the order of the table.
        seeds: The seeds of every arm.
        commands: Returns the commands of a run for an arm, a seed and the folder of the run. The
            first word of a command is a script of the checkout. Every command can be run again
            after an interruption.
        figures: The figures to read, by name. Curves are drawn of the first figure that has any.
        comparisons: The pairs (arm, against) to test. The default compares every arm with the
            first.
        panels: The arms of each picture of curves, by title. The default is one picture of all
            arms.
    """

    arms: Sequence[str]
    seeds: Sequence[int]
    commands: Callable[[str, int, Path], list[Command]]
    figures: Mapping[str, Figure]
    comparisons: Sequence[tuple[str, str]] = ()
    panels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a grid without arms, seeds or figures, and unknown arms; fill in the defaults."""
        if not self.arms or not self.seeds or not self.figures:
            raise InputError("a grid needs arms, seeds and figures")
        named = [name for pair in self.comparisons for name in pair]
        named += [name for panel in self.panels.values() for name in panel]
        unknown = sorted(set(named) - set(self.arms))
        if unknown:
            hint = meant(unknown[0], self.arms)
            raise InputError(f"the grid has no arm {', '.join(unknown)}{hint}")
        pairs = self.comparisons or [(arm, self.arms[0]) for arm in self.arms[1:]]
        object.__setattr__(self, "comparisons", pairs)
        object.__setattr__(self, "panels", self.panels or {"all arms": self.arms})


class Run(NamedTuple):
    """One cell of a grid."""

    arm: str
    seed: int
    recipe: str  # hash of the commands: another recipe is another run
    folder: Path
    commands: list[Command]

    @property
    def key(self) -> Key:
        """Return the same key as `ablate.rows.key_of`."""
        return self.arm, str(self.seed), self.recipe


def load_grid(path: Path) -> Grid:
    """Return the grid of a file. The file is run as code: use only files that you trust."""
    if not path.is_file():
        raise InputError(f"{path}: no such grid")
    grid = runpy.run_path(str(path)).get("grid")
    if not isinstance(grid, Grid):
        raise InputError(f"{path}: no variable `grid` that is a Grid")
    return grid


def runs_of(grid: Grid, output: Path) -> Iterator[Run]:
    """Yield all runs, one seed of every arm after the other, which balances a part of the grid."""
    for seed in grid.seeds:
        for arm in grid.arms:
            words = json.dumps(grid.commands(arm, seed, Path("RUN")), default=str)
            recipe = hashlib.sha256(words.encode()).hexdigest()[:8]
            slug = re.sub(r"\W+", "-", arm).strip("-").lower()
            folder = (output / f"{slug}-{seed}-{recipe}").resolve()
            commands = [[str(w) for w in command] for command in grid.commands(arm, seed, folder)]
            yield Run(arm, seed, recipe, folder, commands)


def execute(run: Run, held: IO[bytes]) -> Row:
    """Run the unfinished commands of a run, and return the row without the figures.

    Raises:
        InputError: A command failed. The message has the last line of the log and its path.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    state_file, log = run.folder / "state.json", run.folder / "output.txt"
    state = json.loads(state_file.read_text()) if state_file.exists() else {}
    done, seconds = state.get("finished", []), state.get("seconds", 0.0)
    for command in run.commands:
        if command in done:
            continue
        start = time.monotonic()
        try:
            code = _call(command, log, held)
        finally:
            seconds += time.monotonic() - start
            _write_json(state_file, {"finished": done, "seconds": seconds})
        if code:
            last = (log.read_text(errors="replace").splitlines() or [""])[-1][:200]
            raise InputError(f"{command[0]} failed with exit code {code}: {last} ({log})")
        done = [*done, command]
        _write_json(state_file, {"finished": done, "seconds": seconds})
    return {
        "arm": run.arm,
        "seed": str(run.seed),
        "recipe": run.recipe,
        "seconds": f"{seconds:.0f}",
        "config": _config_hash(run.folder),
        "commit": commit(),
        "machine": machine(),
        "finished": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
    }


def _call(command: Command, log: Path, held: IO[bytes]) -> int:
    """Run one of the project's commands with one thread unless the environment says otherwise."""
    environment = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **os.environ}
    with log.open("a") as file:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            pass_fds=(held.fileno(),),
        )
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def measure(run: Run, figures: Mapping[str, Figure]) -> Row:
    """Return the figures of a finished run: last, best, curve and steps.

    Raises:
        InputError: A file is missing, or a figure is missing in a file.
    """
    row: Row = {}
    for name, figure in figures.items():
        path = run.folder / figure.file
        if path.name == "metrics.json":
            curves = read_metrics(path)
            if figure.key not in curves:
                raise InputError(
                    f"{path}: no {figure.key}; the file has {', '.join(sorted(curves))}"
                )
            steps, values = curves[figure.key]
            values = values * figure.scale
            row |= {name: f"{values[-1]:.6g}", f"{name} best": f"{values.max():.6g}"}
            row |= {f"{name} curve": write_curve(steps, values), "steps": str(steps[-1])}
        else:
            value = _number_in(path, figure.key)
            if figure.minus:
                value -= _number_in(run.folder / figure.minus, figure.key)
            row[name] = f"{value * figure.scale:.6g}"
    return row


def _number_in(path: Path, key: str) -> float:
    try:
        value = json.loads(path.read_text())
        for part in key.split("/"):
            value = value[part]
        return float(value)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no number {key} ({error})") from error


def tidy(run: Run) -> None:
    """Delete the checkpoints of a finished run, its largest files. Keep the weights."""
    for path in run.folder.rglob("*.pth"):
        path.unlink()


def _write_json(path: Path, value: object) -> None:
    with atomic_text(path) as file:
        json.dump(value, file)


def _config_hash(folder: Path) -> str:
    """Hash all resolved configs of a run.

    The seed, the folder and the initial weights, which may come from another run of the same seed,
    are left out.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("config.yaml")):
        text = path.read_text().replace(str(folder), "RUN")
        digest.update(re.sub(r"(?m)^( *(?:seed|init)): .+$", r"\1: ITS OWN", text).encode())
    return digest.hexdigest()[:8]


def commit() -> str:
    """Return the checkout's commit, with a + if files differ from it; empty outside of git."""
    described = subprocess.run(
        ["git", "describe", "--always", "--exclude=*", "--abbrev=8", "--dirty=+"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip()


def machine() -> str:
    """Return the name of the processor and the number of cores."""
    try:
        facts = Path("/proc/cpuinfo").read_text()
        name = re.findall(r"model name\s*: (.+)", facts)[0]
    except (OSError, IndexError):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"
