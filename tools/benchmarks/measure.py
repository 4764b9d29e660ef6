"""Time and memory of calls."""

import statistics
import time
from collections.abc import Callable, Mapping
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


def medians(
    actions: Mapping[str, Action], rounds: int, clock: Callable[[Action], float] = core_seconds
) -> dict[str, float]:
    """Seconds of each action, the median of so many rounds after one that does not count.

    They take turns, and every other round goes the other way: a machine that is busy for a while is
    so for all of them.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(rounds + 1):
        for name in list(actions)[:: 1 if turn % 2 else -1]:
            times[name].append(clock(actions[name]))
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def peak_memory(action: Action) -> int:
    """Bytes by which the resident memory at its peak exceeds that before, mapped files included."""

    def status(key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024

    Path("/proc/self/clear_refs").write_text("5")  # the peak is now
    before = status("VmRSS")
    action()
    return status("VmHWM") - before
