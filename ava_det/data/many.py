"""The same work on many files, in several processes, with a progress bar."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
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
    """
    problems: dict[Item, str] = {}
    total = done + len(items)
    with tqdm(total=total, initial=done, desc=title, unit="video") as bar:
        for item, problem in _finished(items, work, max(1, min(workers, len(items)))):
            if problem:
                problems[item] = problem
                bar.set_postfix(problems=len(problems))
            bar.update()
    return problems


def _finished(
    items: Sequence[Item], work: Callable[[Item], str], workers: int
) -> Iterator[tuple[Item, str]]:
    """(item, problem) as they come."""
    if workers == 1:
        yield from ((item, work(item)) for item in items)
        return
    # Spawned, for a fork of a process with threads (torch's, say) may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker) as pool:
        futures = {pool.submit(work, item): item for item in items}
        try:
            yield from ((futures[done], done.result()) for done in as_completed(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to answer
    cv2.setNumThreads(1)
