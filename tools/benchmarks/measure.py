"""Time and memory of calls."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Action = Callable[[], object]


def core_seconds(action: Action) -> float:
    """What something takes of a core, however busy the machine is."""
    start = time.process_time()
    action()
    return time.process_time() - start


def seconds(action: Action) -> float:
    """How long something takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turns(
    rounds: Iterable[Sequence[Action]], clock: Callable[[Action], float] = core_seconds
) -> list[list[float]]:
    """Seconds of the actions of every round: a list for the first of each, one for the second ...

    They take turns, and every other round goes the other way: a machine that is busy for a while is
    so for all of them.
    """
    times = []
    for turn, actions in enumerate(rounds):
        row = [clock(action) for action in actions[:: 1 if turn % 2 else -1]]
        times.append(row[:: 1 if turn % 2 else -1])
    return [list(of_action) for of_action in zip(*times, strict=True)]


def medians(
    actions: Mapping[str, Action], rounds: int, clock: Callable[[Action], float] = core_seconds
) -> dict[str, float]:
    """Seconds of each action, in turns: the median of so many rounds after one that is left out."""
    times = in_turns(itertools.repeat(list(actions.values()), rounds + 1), clock)
    return {name: statistics.median(own[1:]) for name, own in zip(actions, times, strict=True)}


def peak_memory(action: Action) -> int:
    """Bytes by which the resident memory at its peak exceeds that before, mapped files included."""

    def status(key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024

    Path("/proc/self/clear_refs").write_text("5")  # the peak is now
    before = status("VmRSS")
    action()
    return status("VmHWM") - before
