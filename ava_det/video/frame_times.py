"""Computes frame times from time stamps that may be missing, damaged or restarted.

The stamps are in the order of the decoder's output, so they should increase.
"""

import bisect
import itertools
from collections.abc import Sequence

import numpy as np

FARTHEST = 1e9  # seconds; a stamp more than 30 years from the others is damaged
ORDINARY = 16  # steps; no codec delays a frame for longer, so a larger jump is a gap


def frame_times(
    stamps: Sequence[int | None], time_base: float, step: float, most_gap: float | None = None
) -> tuple[np.ndarray, int]:
    """Return increasing seconds from the first frame, (F,) float64, and the count of bad stamps.

    A missing or bad stamp gets a time evenly between the neighbours. If the stamps jump back for
    good, as in concatenated files, the following frames continue at the usual step.

    >>> frame_times([0, 40, 80, 9999, 160], 1e-3, 0.04)
    (array([0.  , 0.04, 0.08, 0.12, 0.16]), 1)
    >>> frame_times([0, 40, 80, 0, 40, 80], 1e-3, 0.04)
    (array([0.  , 0.04, 0.08, 0.12, 0.16, 0.2 ]), 0)

    Args:
        stamps: F time stamps in presentation order; None for a missing stamp.
        time_base: The seconds of one time unit.
        step: The seconds between frames if the stamps do not show them.
        most_gap: The largest gap in seconds. After a larger jump ahead, the following frames
            continue at the usual step. None accepts every gap.
    """
    seconds = _near(stamps, time_base)
    known = np.array(list(seconds.values()))
    ahead = np.diff(known)
    if len(known) == len(stamps) and (ahead > 0).all() and (ahead <= (most_gap or np.inf)).all():
        return known, 0
    step = float(np.median(ahead[ahead > 0])) if (ahead > 0).any() else step
    places, times = [], list[float]()
    for run in _runs(seconds, step, most_gap):
        offset = 0.0
        if times:
            offset = times[-1] + step * (run[0] - places[-1]) - seconds[run[0]]
        places += run
        times += [seconds[place] + offset for place in run]
    damaged = sum(stamp is not None for stamp in stamps) - len(places)
    return _filled(len(stamps), places or [0], times or [0.0], step), damaged


def without_slips(stamps: Sequence[int | None]) -> list[int | None]:
    """Correct the stamps of an MPEG program stream, in which some pictures have no stamp.

    FFmpeg's reader guesses some stamps one step too late: from a jump of two steps up to the stamp
    before a repeated one. This function moves them back.

    >>> without_slips([0, 40, 120, 160, 160, 200])
    [0, 40, 80, 120, 160, 200]
    """
    result = list(stamps)
    ahead = [None if a is None or b is None else b - a for a, b in itertools.pairwise(stamps)]
    steps = [step for step in ahead if step]
    step = round(float(np.median(steps))) if steps else 0
    since = None  # the place of a jump; the following stamps have the usual step
    for place, by in enumerate(ahead, 1):
        if by is not None and step and abs(by - 2 * step) <= 1:
            since = place
        elif by == 0 and since is not None:
            result[since:place] = [s - step for s in stamps[since:place] if s is not None]
            since = None
        elif by is None or abs(by - step) > 1:
            since = None
    return result


def _filled(count: int, places: list[int], times: list[float], step: float) -> np.ndarray:
    """Interpolate the seconds of all places, (count,), from the known places."""
    everywhere = np.arange(count)
    result = np.interp(everywhere, places, times)
    result += step * np.minimum(everywhere - places[0], 0)
    result += step * np.maximum(everywhere - places[-1], 0)
    result -= result[0]
    if (np.diff(result) <= 0).any():  # closer than the resolution of float64
        return everywhere * step
    return result


def _near(stamps: Sequence[int | None], time_base: float) -> dict[int, float]:
    """Return the seconds from the first stamp by place, without missing or absurd stamps."""
    known = sorted(stamp for stamp in stamps if stamp is not None)
    if not known:
        return {}
    middle, far = known[len(known) // 2], FARTHEST / time_base
    near = {i: s for i, s in enumerate(stamps) if s is not None and abs(s - middle) <= far}
    first = next(iter(near.values()))
    return {place: (stamp - first) * time_base for place, stamp in near.items()}


def _runs(seconds: dict[int, float], step: float, most_gap: float | None) -> list[list[int]]:
    """Group places into runs of increasing stamps. A restart of the stamps begins a new run.

    Places with a bad stamp are in no run.
    """
    jump = ORDINARY * step
    far = np.inf if most_gap is None else max(most_gap, jump)
    runs: list[list[int]] = []
    afterwards = [*seconds.values(), -np.inf][1:]
    for (place, value), after in zip(seconds.items(), afterwards, strict=True):
        if not runs:
            runs.append([place])
            continue
        run = runs[-1]
        ahead = value - seconds[run[-1]]
        if ahead > 0:
            if len(runs) > 1 and ahead > jump and _goes_on(seconds, runs[-2][-1], place, step):
                runs.pop()  # this run was a bad stamp; the run before it continues
                runs[-1].append(place)
            elif ahead > far:
                runs.append([place])
            else:
                run.append(place)
        elif ahead < 0:
            first = bisect.bisect_left(run, value, key=seconds.__getitem__)
            one = len(run) - first == 1 and not _is_late(seconds, run, place, after, step)
            if first and (one or seconds[run[first]] - seconds[run[first - 1]] > jump):
                del run[first:]  # these stamps were too far ahead; the line continues here
                if value > seconds[run[-1]]:
                    run.append(place)
            elif after <= seconds[run[-1]]:
                runs.append([place])
            # Otherwise, only this stamp is bad: it is behind the line.
    return runs


def _is_late(
    seconds: dict[int, float], run: list[int], place: int, after: float, step: float
) -> bool:
    """Return whether a stamp behind the line is wrong, rather than the last one of the line.

    The stamps around the wrong one are two steps apart.
    """
    if len(run) < 2 or after <= seconds[run[-1]]:
        return False
    without_last = seconds[place] - seconds[run[-2]] - step * (place - run[-2])
    without_this = after - seconds[run[-1]] - step * (place + 1 - run[-1])
    return abs(without_this) < abs(without_last)


def _goes_on(seconds: dict[int, float], last: int, place: int, step: float) -> bool:
    """Return whether a place follows the place `last` at about the usual step."""
    return 0 < seconds[place] - seconds[last] <= step * (place - last + ORDINARY)
