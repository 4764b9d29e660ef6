"""Run a grid of arms x seeds, one run after the other, into one table and one picture of curves.

    ava-det ablate --grid ablate/jhmdb_mixes.py --output runs/ablate

A run has one thread. Start the same command again to add a second worker. A stopped grid continues
when it is started again. Finished runs are rows of `--results` (default: OUTPUT/results.csv), and a
run with a row is not run again, even if the row comes from another machine. OUTPUT gets `table.md`,
`summary.csv` and `curves.png`. A failed run prints one line, and the exit code is 1 at the end.

A grid is Python code and is run: use only grids that you trust.

Read on: docs/results.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ava_det import cli
from ava_det.ablate.grid import Grid, Run, execute, load_grid, measure, runs_of, tidy
from ava_det.ablate.rows import Key, Row, add_row, key_of, read_curve, read_rows
from ava_det.formats.lock import lock
from ava_det.formats.nearest import meant
from ava_det.structures import InputError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description=__doc__)
    parser.add_argument("--grid", required=True, type=Path, help="a path, or a name below configs/")
    parser.add_argument("--output", required=True, type=Path, help="folder of runs and tables")
    parser.add_argument(
        "--results",
        type=Path,
        help="csv of finished runs to read and extend (default: OUTPUT/results.csv)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", help="run only these seeds")
    parser.add_argument("--arms", nargs="+", help="run only these arms")
    parser.add_argument("--against", metavar="ARM", help="compare every arm with this arm")
    parser.add_argument(
        "--report", action="store_true", help="write the tables without running anything"
    )
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the unfinished runs and write the tables; 1 if a run failed."""
    if not args.report:
        cli.require_checkout("ava-det ablate")
    grid = load_grid(args.grid)
    args.results = args.results or args.output / "results.csv"
    arms, seeds = args.arms or grid.arms, args.seeds or grid.seeds
    unknown = sorted({*arms, args.against or arms[0]} - {*grid.arms})
    if unknown:
        known = ", ".join(grid.arms) + meant(unknown[0], grid.arms)
        raise InputError(f"{args.grid}: no arm {', '.join(unknown)}; its arms: {known}")
    runs = list(runs_of(grid, args.output))
    wanted = [run for run in runs if run.arm in arms and run.seed in seeds]
    read_rows(args.results, list(grid.figures))  # refuses a damaged file before any work
    args.output.mkdir(parents=True, exist_ok=True)
    failures = 0 if args.report else work(grid, wanted, runs, args)
    print(report(grid, runs, args))
    return cli.FAILED if failures else 0


def work(grid: Grid, wanted: Sequence[Run], runs: Sequence[Run], args: argparse.Namespace) -> int:
    """Do the wanted runs without a row that no other worker has, in order; count the failures."""
    from tqdm import tqdm

    failed: set[Key] = set()
    with tqdm(total=len(wanted), desc="grid", unit="run") as bar:
        while True:
            rows = finished(args.results, grid)
            bar.n = sum(run.key in rows for run in wanted)
            left = [run for run in wanted if run.key not in rows | failed]
            # From the start each time: runs that a stopped worker has begun come first.
            if not any(attempt(run, grid, args.results, failed, bar) for run in left):
                return len(failed)
            report(grid, runs, args)


def attempt(run: Run, grid: Grid, results: Path, failed: set[Key], bar: Any) -> bool:
    """Do a run unless another worker has it; return whether it was free."""
    with lock(run.folder) as held:
        if held is None:
            return False
        bar.set_postfix_str(f"{run.arm}, seed {run.seed}")
        if run.key in finished(results, grid):  # another worker has just finished it
            return True
        try:
            row = execute(run, held) | measure(run, grid.figures)
        except (InputError, OSError) as error:
            bar.write(f"error: {run.arm}, seed {run.seed}: {cli.one_line(error)}", sys.stderr)
            failed.add(run.key)
        else:
            add_row(results, row)
            tidy(run)
        return True


def finished(results: Path, grid: Grid) -> set[Key]:
    """The runs that have a row."""
    return {key_of(row) for row in read_rows(results, list(grid.figures))}


def report(grid: Grid, runs: Sequence[Run], args: argparse.Namespace) -> str:
    """Write the tables and the picture of the finished runs; return the table."""
    from ava_det.ablate.tables import markdown, provenance, summary
    from ava_det.formats.atomic import atomic_text

    figures = list(grid.figures)
    everything = read_rows(args.results, figures)
    keys = {run.key for run in runs}
    rows = [row for row in everything if key_of(row) in keys]
    pairs = list(grid.comparisons)
    if args.against:
        pairs = [(arm, args.against) for arm in grid.arms if arm != args.against]
    text = markdown(
        args.grid.stem,
        rows,
        grid.arms,
        pairs,
        figures,
        provenance(rows, len(runs), len(everything)),
    )
    with atomic_text(args.output / "table.md") as file:
        file.write(text)
    with atomic_text(args.output / "summary.csv") as file:
        tables = [summary(rows, grid.arms, name).assign(figure=name) for name in figures]
        for k, table in enumerate(tables):
            table.to_csv(file, index=False, header=k == 0, float_format="%.6g")
    draw(grid, rows, args.output / "curves.png")
    return text


def draw(grid: Grid, rows: Sequence[Row], path: Path) -> None:
    """Draw the curves of the first figure that has any."""
    from ava_det.draw.curves import draw_curves

    for figure in grid.figures:
        curves = {arm: [] for arm in grid.arms}
        for row in rows:
            if row.get(f"{figure} curve"):
                curves[row["arm"]].append(read_curve(row[f"{figure} curve"]))
        if any(curves.values()):
            panels = {title: {a: curves[a] for a in arms} for title, arms in grid.panels.items()}
            draw_curves(path, panels, figure)
            return
