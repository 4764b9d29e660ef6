"""Runs commands in forks of this process, which has imported everything, and measures them.

A fork starts in milliseconds where a new interpreter takes seconds to import torch. Its peak of
memory counts what it shares with its parent, as that of an interpreter of its own would.
"""

import faulthandler
import os
import pkgutil
import resource
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import ava_det
from drills.case import MEGABYTE, ROOT, Case

POLL = 0.02  # seconds from one look at the children to the next
STDOUT, STDERR = "stdout.txt", "stderr.txt"  # in a case's folder


@dataclass(frozen=True)
class Limits:
    """What a command may take, imports included."""

    seconds: float = 60.0
    megabytes: float = 3072.0


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code; that of a signal is negative.
        seconds: from its start to its end.
        megabytes: its peak of resident memory, or that of a process that it started.
        beyond: the limit that it was killed for, in words, or "".
        out: what it wrote to stdout.
        err: to stderr.
    """

    code: int
    seconds: float
    megabytes: float
    beyond: str
    out: str
    err: str


@dataclass
class _Running:
    case: Case
    start: float
    beyond: str = ""


def import_everything() -> None:
    """Import what the tools import, so that children need not, and start no threads."""
    for module in pkgutil.walk_packages(ava_det.__path__, "ava_det."):
        try:
            import_module(module.name)
        except ImportError:  # an optional library
            continue
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def run_all(cases: Iterator[Case], limits: Limits, jobs: int) -> Iterator[tuple[Case, Ended]]:
    """Run cases, up to `jobs` at once; each is given back as it ends."""
    running: dict[int, _Running] = {}
    rest = True
    while rest or running:
        while rest and len(running) < jobs:
            case = next(cases, None)
            if case is None:
                rest = False
            else:
                running[_start(case)] = _Running(case, time.monotonic())
        time.sleep(POLL)
        for pid in list(running):
            ended = _look(pid, running[pid], limits)
            if ended:
                yield running.pop(pid).case, ended


def _start(case: Case) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _be_the_tool(case)  # does not return
    return pid


def _be_the_tool(case: Case) -> None:
    """Run the command as a program of its own would, and end this process."""
    code = 1
    try:
        os.setsid()  # so that what the tool starts is ended with it
        faulthandler.disable()  # a test's own, which would write to the test's terminal
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((null, _create(case, STDOUT), _create(case, STDERR))):
            os.dup2(source, target)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 # as an interpreter opens them
        sys.stderr = open(2, "w", closefd=False, buffering=1, errors="backslashreplace")  # noqa: SIM115
        os.chdir(case.folder)
        script = ROOT / case.command[0]
        sys.argv = [str(script), *case.command[1:]]
        sys.path[0] = str(script.parent)
        runpy.run_path(str(script), run_name="__main__")
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _create(case: Case, name: str) -> int:
    return os.open(case.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _look(pid: int, running: _Running, limits: Limits) -> Ended | None:
    """How a child ended, or None; one that is beyond a limit is killed."""
    ended, status, usage = os.wait4(pid, os.WNOHANG)
    seconds = time.monotonic() - running.start
    if not ended:
        if seconds > limits.seconds:
            running.beyond = f"more than {limits.seconds:g} s"
        elif _resident(pid) > limits.megabytes:
            running.beyond = f"more than {limits.megabytes:g} MB"
        if running.beyond:
            _kill_group(pid)
        return None
    _kill_group(pid)  # what it started and left behind
    peak = usage.ru_maxrss * 1024 / MEGABYTE
    if not running.beyond and peak > limits.megabytes:
        running.beyond = f"{peak:.0f} MB, more than {limits.megabytes:g}"
    texts = [_text(running.case.folder / name) for name in (STDOUT, STDERR)]
    return Ended(os.waitstatus_to_exitcode(status), seconds, peak, running.beyond, *texts)


def _text(path: Path) -> str:
    """What was written; of a flood its beginning."""
    with path.open("rb") as file:
        return file.read(MEGABYTE).decode(errors="replace")


def _resident(pid: int) -> float:
    """Megabytes of a process now; 0 where it has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / MEGABYTE


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
