"""Runs commands in forks of this process, which has imported all modules, and measures them.

A fork starts in milliseconds, while a new interpreter needs seconds to import torch. The peak
memory of a fork includes memory shared with the parent, so it is comparable to a new interpreter.
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

POLL = 0.02  # seconds between two checks of the children
STDOUT, STDERR = "stdout.txt", "stderr.txt"  # files in a case's folder


@dataclass(frozen=True)
class Limits:
    """The time and memory limits of a command, including imports."""

    seconds: float = 60.0
    megabytes: float = 3072.0


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: The exit code; negative for a signal.
        seconds: The elapsed seconds.
        megabytes: The peak resident memory of the command or of a child process.
        beyond: The exceeded limit as text, if the command was killed for it, or "".
        out: The output on stdout.
        err: The output on stderr.
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
    """Import all modules of the tools for the children, without starting threads."""
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
    """Run cases, up to `jobs` at once, and yield each case when it ends."""
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
    """Run the command like a separate program, then end this process."""
    code = 1
    try:
        os.setsid()  # so that child processes of the tool can be ended with it
        faulthandler.disable()  # the test's handler writes to the test's terminal
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
    """Return how a child ended, or None if it still runs. Kill a child beyond a limit."""
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
    _kill_group(pid)  # end the remaining child processes
    peak = usage.ru_maxrss * 1024 / MEGABYTE
    if not running.beyond and peak > limits.megabytes:
        running.beyond = f"{peak:.0f} MB, more than {limits.megabytes:g}"
    texts = [_text(running.case.folder / name) for name in (STDOUT, STDERR)]
    return Ended(os.waitstatus_to_exitcode(status), seconds, peak, running.beyond, *texts)


def _text(path: Path) -> str:
    """Return the text of a file; only the beginning of a very long text."""
    with path.open("rb") as file:
        return file.read(MEGABYTE).decode(errors="replace")


def _resident(pid: int) -> float:
    """Return the resident megabytes of a process; 0 if it has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / MEGABYTE


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
