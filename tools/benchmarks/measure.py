"""Measures the time and memory of calls."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Action = Callable[[], object]


def core_seconds(action: Action) -> float:
    """Return the CPU seconds of an action, even on a busy machine."""
    start = time.process_time()
    action()
    return time.process_time() - start


def seconds(action: Action) -> float:
    """Return the elapsed seconds of an action."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turns(
    rounds: Iterable[Sequence[Action]], clock: Callable[[Action], float] = core_seconds
) -> list[list[float]]:
    """Return the seconds of each action in every round: one list per action.

    The actions take turns, and every other round has the reverse order. So a busy phase of the
    machine affects all actions.
    """
    times = []
    for turn, actions in enumerate(rounds):
        row = [clock(action) for action in actions[:: 1 if turn % 2 else -1]]
        times.append(row[:: 1 if turn % 2 else -1])
    return [list(of_action) for of_action in zip(*times, strict=True)]


def medians(
    actions: Mapping[str, Action], rounds: int, clock: Callable[[Action], float] = core_seconds
) -> dict[str, float]:
    """Return the median seconds of each action, in turns, without the first round."""
    times = in_turns(itertools.repeat(list(actions.values()), rounds + 1), clock)
    return {name: statistics.median(own[1:]) for name, own in zip(actions, times, strict=True)}


def peak_memory(action: Action) -> int:
    """Return the growth of the peak resident memory in bytes, including mapped files."""

    def status(key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024

    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = status("VmRSS")
    action()
    return status("VmHWM") - before
