"""Process many files in several processes, with a progress bar."""

import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from multiprocessing import active_children, get_context
from typing import TypeVar

import cv2
from tqdm import tqdm

Item = TypeVar("Item")


def problems_of(
    items: Sequence[Item],
    work: Callable[[Item], str],
    workers: int,
    title: str | None = None,
    done: int = 0,
) -> dict[Item, str]:
    """Process all items; return the problems by item.

    An exception in this process, such as Ctrl-C, stops the workers with SIGTERM. The workers clean
    up before they end.

    Args:
        items: The items, which must be picklable.
        work: Processes an item and returns the problem, or "" if there is none; must be picklable.
        workers: The number of processes; 1 uses the current process.
        title: The title of the progress bar.
        done: The number of items that are finished already, for the progress bar.
    """
    problems: dict[Item, str] = {}
    total = done + len(items)
    pairs = _finished(items, work, max(1, min(workers, len(items))))
    with tqdm(total=total, initial=done, desc=title, unit="video") as bar, closing(pairs):
        for item, problem in pairs:
            if problem:
                problems[item] = problem
                bar.set_postfix(problems=len(problems))
            bar.update()
    return problems


def _finished(
    items: Sequence[Item], work: Callable[[Item], str], workers: int
) -> Generator[tuple[Item, str]]:
    """Yield (item, problem) when an item is finished."""
    if workers == 1:
        yield from ((item, work(item)) for item in items)
        return
    # Spawn, because a fork of a process with threads (such as torch's) may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker) as pool:
        try:
            futures = {pool.submit(_do, work, item): item for item in items}
            yield from ((futures[done], done.result()) for done in as_completed(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():  # the current items may take minutes
                worker.terminate()
            raise


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process handles Ctrl-C
    signal.signal(signal.SIGTERM, _stop)
    cv2.setNumThreads(1)


def _stop(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # the pool may send a second signal
    sys.exit(128 + number)


def _do(work: Callable[[Item], str], item: Item) -> str:
    """Do the work in a worker; end the worker when it is stopped, as the pool would continue."""
    try:
        return work(item)
    except SystemExit as stopped:
        os._exit(int(stopped.code or 0))  # `work` has cleaned up by now
