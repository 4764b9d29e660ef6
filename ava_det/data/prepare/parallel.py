"""The same work on many files, in several processes, with a progress bar."""

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
    """Do the work on all items; what is wrong with some of them, by item.

    Args:
        items: that can be sent to another process.
        work: likewise; from an item to what is wrong with it, "" if nothing is.
        workers: processes; 1 works in this one.
        title: of the bar.
        done: items that need no work, for the bar.

    What is raised here, Ctrl-C and SIGTERM among it, ends the workers by SIGTERM; that unwinds what
    they are at.
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
    """(item, problem) as they come."""
    if workers == 1:
        yield from ((item, work(item)) for item in items)
        return
    # Spawned, for a fork of a process with threads (torch's, say) may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker) as pool:
        try:
            futures = {pool.submit(_do, work, item): item for item in items}
            yield from ((futures[done], done.result()) for done in as_completed(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():  # what they are at may take minutes
                worker.terminate()
            raise


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to answer
    signal.signal(signal.SIGTERM, _stop)
    cv2.setNumThreads(1)


def _stop(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # the pool may send another
    sys.exit(128 + number)


def _do(work: Callable[[Item], str], item: Item) -> str:
    """The work in a worker, which ends with it when it is stopped: the pool would go on."""
    try:
        return work(item)
    except SystemExit as stopped:
        os._exit(int(stopped.code or 0))  # what `work` has begun is cleaned up by now
