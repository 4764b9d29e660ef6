"""formats/lock.py: one process an output, and nothing left of a killed one."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ava_det.formats.lock import lock
from ava_det.formats.outputs import alone
from ava_det.structures import InputError

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from ava_det.formats.lock import lock
with lock(Path(sys.argv[1])) as held:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=sys.stdin,
                             pass_fds=(held.fileno(),))
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.holds("13.11 one process an output: the lock")
def test_a_lock_is_exclusive_and_ends_without_a_trace(tmp_path):
    output = tmp_path / "run"
    with lock(output) as held:
        assert held is not None
        with lock(output) as second:
            assert second is None
    with lock(output) as again:
        assert again is not None
    assert not list(output.parent.iterdir())


@pytest.mark.holds("13.11 one process an output: the lock")
def test_who_comes_second_is_refused_by_name(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    with alone(first):
        message = r"a\.csv: another process is writing to it"
        with pytest.raises(InputError, match=message), alone(second, first):
            pytest.fail("both write")
        with alone(second):  # what was refused holds nothing
            pass


@pytest.mark.holds("13.11 one process an output: the lock")
def test_of_many_that_take_turns_no_two_hold_at_once(tmp_path):
    inside, taken = [], []

    def work(k: int) -> None:
        while len(taken) < 200:
            with lock(tmp_path / "x") as held:
                if held is not None:
                    inside.append(k)
                    assert len(inside) == 1
                    taken.append(inside.pop())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


@pytest.mark.holds("13.11 one process an output: the lock ends with a killed process")
def test_a_killed_worker_s_lock_lasts_as_long_as_its_command(tmp_path):
    def is_free():
        with lock(tmp_path / "run") as held:
            return held is not None

    worker = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    command = int(worker.stdout.readline())
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert not is_free()  # its command is at work still
    os.kill(command, signal.SIGKILL)
    for _ in range(100):
        if is_free():
            assert not list(Path(tmp_path).iterdir())
            return
        time.sleep(0.05)
    pytest.fail("the lock outlived the command")
