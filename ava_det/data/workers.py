"""Loader workers that leave signals to the process they work for.

SLURM, systemd, torchrun and terminals send a signal to every process of a run. A worker that obeyed
it would take away the data that the run needs to end in order.
"""

import ctypes
import functools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawValue
from multiprocessing.util import Finalize
from typing import Any

from torch.utils.data import DataLoader

SIGNALS = {signal.SIGTERM, signal.SIGINT}


class SteadyLoader(DataLoader):
    """A `DataLoader` whose workers end when it does or its process, not by SIGTERM or Ctrl-C.

    Args:
        arguments: of `DataLoader`, without `worker_init_fn`.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        start = LeaveSignals(_ending_of(os.getpid()))
        super().__init__(*arguments, worker_init_fn=start, **more)

    def __iter__(self) -> Any:
        """Batches."""
        with _held_back():
            return super().__iter__()


class LeaveSignals:
    """What a worker does first: it ignores signals from here on, except when its process is ending.

    Args:
        ending: shared with that process, which sets it.
    """

    def __init__(self, ending: Any) -> None:
        self.ending = ending

    def __call__(self, worker: int) -> None:
        """Set up this worker."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _end(self, *_: object) -> None:
        if self.ending.value:
            os._exit(0)


@contextmanager
def _held_back() -> Iterator[None]:
    """Keep signals for later; workers that are started meanwhile do so until they are set up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@functools.cache
def _ending_of(process: int) -> Any:
    """A flag that this process shares with its workers and sets when it ends."""
    flag = RawValue(ctypes.c_bool, False)
    # Python sends SIGTERM to the workers that an ending process still has, and waits for them; what
    # is registered here comes before that.
    Finalize(None, _set, (flag,), exitpriority=0)
    return flag


def _set(flag: Any) -> None:
    flag.value = True
