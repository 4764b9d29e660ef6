"""Measures the cost of our evaluator and of the official one, each in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.formats.ava_csv import BOX, has_box
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError

# Runs ActivityNet's `get_ava_performance.py` on today's numpy, which has no `np.float` any more.
_OFFICIAL = """
import logging, sys
import numpy as np
folder, labels, truth, results = sys.argv[1:]
sys.path[:0] = [folder, folder + "/ava"]
for kind in (bool, float, int, object):
    if not hasattr(np, kind.__name__):
        setattr(np, kind.__name__, kind)
logging.disable(logging.INFO)
import get_ava_performance
get_ava_performance.run_evaluation(open(labels), open(truth), open(results))
"""
_OFFICIAL_MAP = re.compile(r"Precision/mAP@0\.5IOU': (?:np\.float64\()?([\d.e-]+)")
_OUR_MAP = re.compile(r"^frame-mAP@0\.5 \(activitynet\): ([\d.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """The cost of a command in wall seconds, processor seconds and peak bytes, and the mAP."""

    seconds: float
    computing: float
    memory: int
    mAP: float


def made_results(truth: pd.DataFrame, class_map: ClassMap, rows: int, seed: int) -> pd.DataFrame:
    """Make a table of results: annotated people, shifted a little, with a score for every class.

    Args:
        truth: A table of annotations.
        class_map: The classes to score.
        rows: The number of result rows.
        seed: The seed of the random shifts and scores.
    """
    rng, classes = np.random.default_rng(seed), len(class_map)
    people = truth[has_box(truth)].drop_duplicates(["video", "tick", *BOX])
    chosen = np.arange(-(-rows // classes)) % len(people)
    table = people.iloc[chosen.repeat(classes)[:rows].tolist()].reset_index(drop=True)
    shaken = np.asarray(people[BOX])[chosen] + rng.normal(0, 0.02, (len(chosen), 4))
    table[BOX] = np.clip(shaken, 0, 1).round(4).repeat(classes, axis=0)[:rows]
    table["action"] = np.tile(class_map.ids, len(chosen))[:rows]
    return table.assign(score=rng.random(rows).round(6), person=-1)


def official_cost(folder: Path, class_map: Path, truth: Path, results: Path) -> Cost:
    """Run the official evaluator.

    Args:
        folder: ActivityNet's folder `Evaluation`, with `get_ava_performance.py` and `ava/`.
        class_map: A pbtxt file.
        truth: A plain csv file.
        results: A plain csv file.
    """
    if not (folder / "get_ava_performance.py").is_file():
        raise InputError(f"{folder}: has no get_ava_performance.py")
    files = map(str, (folder, class_map, truth, results))
    return _measured([sys.executable, "-c", _OFFICIAL, *files], _OFFICIAL_MAP)


def our_cost(tool: Path, class_map: Path, truth: Path, results: Path) -> Cost:
    """Run `tools/evaluate.py` on the same files."""
    named = ["--ground-truth", str(truth), "--class-map", str(class_map)]
    return _measured([sys.executable, str(tool), str(results), *named], _OUR_MAP)


def _measured(command: Sequence[str], figure: re.Pattern[str]) -> Cost:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        memory = 0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            memory = max(memory, _peak(process.pid))
            time.sleep(0.02)
        took = time.perf_counter() - start
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        found = figure.search(out.read())
        if process.returncode or not found:
            last = (err.read().strip().splitlines() or ["it says nothing"])[-1]
            raise InputError(f"{command[1]}: {last}")
    computing = usage.ru_utime + usage.ru_stime
    return Cost(took, computing, memory, float(found[1]))


def _peak(process: int) -> int:
    """Return the peak memory of a running process in bytes, on Linux; 0 if it cannot be read.

    `ru_maxrss` would also count the memory of the process that started this one.

    Not `ru_maxrss`: what a process was started from counts in that.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0) * 1024
