"""Run our tools on damaged and hostile files, and count the outcomes.

    python tools/drill.py all
    python tools/drill.py videos --count 50 --seed 3
    python tools/drill.py weights --seed 3 --only 17 --keep failures

Each case must end within 60 s and 3 GB. The exit code must be 0, or 1 or 2 with one line on stderr
that names the file. A signal, a traceback or a half-written file is a failure. The seed and the
number alone determine the files of a case. The drill needs Linux, since it forks and reads /proc.
"""

import argparse
import json
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ava_det import cli

if TYPE_CHECKING:
    from drills.case import Case
    from drills.children import Ended

NAMES = ("videos", "weights", "annotations")


@dataclass
class Tally:
    """The counts of a kind of file."""

    ends: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    megabytes: float = 0.0

    def add(self, case: "Case", ended: "Ended", problem: str | None, repeat: str) -> None:
        """Count a case."""
        self.ends["failed" if problem else "refused" if ended.code else "exit 0"] += 1
        self.seconds = max(self.seconds, ended.seconds)
        self.megabytes = max(self.megabytes, ended.megabytes)
        if problem:
            self.failures.append(
                {
                    "case": case.name,
                    "mutation": case.mutation,
                    "problem": problem,
                    "command": shlex.join(case.command),
                    "stderr": ended.err[-2000:],
                    "repeat": repeat,
                }
            )

    def table(self) -> dict[str, Any]:
        """Return the counts for the JSON file."""
        return {
            "cases": self.ends.total(),
            "exit 0": self.ends["exit 0"],
            "refused": self.ends["refused"],
            "failures": self.failures,
            "slowest seconds": round(self.seconds, 1),
            "largest MB": round(self.megabytes),
        }


def parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    parser = cli.Parser(description="Run our tools on damaged and hostile files.")
    add, at_least = parser.add_argument, cli.at_least
    add("kind", choices=[*NAMES, "all"])
    add("--count", type=at_least(1, int), metavar="N", help="cases per kind (default: 200 or 250)")
    add("--seed", type=int, default=0)
    add("--only", type=at_least(0, int), metavar="NUMBER", help="run this case only")
    add("--keep", type=Path, metavar="FOLDER", help="keep the files of failures (or of --only)")
    add("--json", type=Path, help="also write counts and failures to this file")
    add(
        "--jobs",
        type=at_least(1, int),
        default=os.cpu_count(),
        help="parallel cases (default: all)",
    )
    add("--verbose", action="store_true", help="print the outcome of every case")
    add("--seconds", type=cli.above_zero(), default=60.0, help="limit per case")
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the drills, print the counts and write them."""
    names = NAMES if args.kind == "all" else (args.kind,)
    if args.only is not None and len(names) > 1:
        parser().error("--only needs one kind, not all")
    for library in ("OMP", "OPENBLAS", "MKL"):  # a fork of a process with threads is not safe
        os.environ[f"{library}_NUM_THREADS"] = "1"
    from drills.children import import_everything

    import_everything()
    with tempfile.TemporaryDirectory(prefix="drill") as scratch:
        folder = (args.keep or Path(scratch)).resolve()
        tallies = {name: drill(name, args, folder) for name in names}
    for name, tally in tallies.items():
        counts = {**tally.table(), "failures": len(tally.failures)}
        print(f"{name}:", ", ".join(f"{key} {value}" for key, value in counts.items()))
    if args.json:
        tables = {name: tally.table() for name, tally in tallies.items()}
        args.json.write_text(json.dumps(tables, indent=1) + "\n")
    return cli.FAILED if any(tally.failures for tally in tallies.values()) else 0


def drill(name: str, args: argparse.Namespace, scratch: Path) -> Tally:
    """Run all cases of a kind."""
    from importlib import import_module

    from drills.case import Kind
    from drills.children import Limits, run_all
    from drills.verdict import problem, spoken

    kind: Kind = import_module(f"drills.{name}").KIND
    base = scratch / f"whole_{name}"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    kind.prepare(base)
    numbers = range(args.count or kind.count) if args.only is None else [args.only]
    tally, start = Tally(), time.monotonic()

    def cases() -> Iterator["Case"]:
        for number in numbers:
            yield kind.case(name, args.seed, number, base, scratch)

    for case, ended in run_all(cases(), Limits(seconds=args.seconds), args.jobs):
        wrong = problem(case, ended)
        number = case.name.rsplit("-", 1)[1]
        repeat = f"python tools/drill.py {name} --seed {args.seed} --only {number} --keep FOLDER"
        tally.add(case, ended, wrong, repeat)
        if args.verbose:
            print(f"{case.name} ({case.mutation}): exit {ended.code}", *spoken(ended.err))
        if wrong:
            print(f"{case.name} ({case.mutation}): {wrong}\n    {repeat}", file=sys.stderr)
        if wrong or args.only is not None:
            (case.folder / "command.txt").write_text(shlex.join(case.command) + "\n")
        else:
            shutil.rmtree(case.folder)
    print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return tally


if __name__ == "__main__":
    cli.run(parser(), main)
