"""Loader workers that ignore signals and leave them to the main process.

SLURM, systemd, torchrun and terminals send a signal to every process of a run. If a worker ended
at once, the main process would lack the data that it needs to stop in order.
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
    """A `DataLoader` whose workers ignore SIGTERM and Ctrl-C.

    The workers end when the loader or the main process ends.

    Args:
        arguments: The arguments of `DataLoader`, without `worker_init_fn`.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        start = LeaveSignals(_ending_of(os.getpid()))
        super().__init__(*arguments, worker_init_fn=start, **more)

    def __iter__(self) -> Any:
        """Start the workers and iterate over the batches."""
        with _held_back():
            return super().__iter__()


class LeaveSignals:
    """Set up a worker so that it ignores signals until the main process ends.

    Args:
        ending: A shared flag; the main process sets it when it ends.
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
    """Block signals in this process, and in new workers until `LeaveSignals` has set them up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@functools.cache
def _ending_of(process: int) -> Any:
    """Return a flag that this process shares with the workers and sets when it ends."""
    flag = RawValue(ctypes.c_bool, False)
    # When a process ends, Python sends SIGTERM to remaining workers and waits for them. The flag
    # must be set before.
    Finalize(None, _set, (flag,), exitpriority=0)
    return flag


def _set(flag: Any) -> None:
    flag.value = True
