"""Compares two recipes by runs with the same seeds, pair by pair."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

_EXACT = 20  # pairs up to which all sign flips are tried: a million
_DRAWS = 2**17


@dataclass(frozen=True)
class Comparison:
    """The paired differences a - b of n seeds.

    Attributes:
        pairs: The number of pairs, n.
        difference: The mean of the differences.
        deviation: The standard deviation of the differences, with n - 1 degrees of freedom.
        low, high: The bounds of the 95 % interval of the mean, by Student's t; nan for one pair.
        t_p: The two-sided p of the paired t test; nan for one pair.
        sign_p: The two-sided p of the sign-flip test.
        least_sign_p: The smallest possible `sign_p` with n pairs: 2 / 2^n.
    """

    pairs: int
    difference: float
    deviation: float
    low: float
    high: float
    t_p: float
    sign_p: float
    least_sign_p: float


def compare(a: np.ndarray, b: np.ndarray) -> Comparison:
    """Compare results (n,) of one recipe with those (n,) of another, seed by seed.

    Raises:
        ValueError: The arrays are empty or have different lengths.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(f"results of shapes {a.shape} and {b.shape} are no pairs")
    differences = a - b
    n, mean = len(differences), float(differences.mean())
    deviation = low = high = t_p = float("nan")
    if n > 1:
        deviation = float(differences.std(ddof=1))
        error = deviation / np.sqrt(n)
        half = float(stats.t.ppf(0.975, n - 1)) * error
        low, high = mean - half, mean + half
        if error > 0:
            t_p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
        else:  # all differences are one number
            t_p = 1.0 if mean == 0 else 0.0
    sign_p = sign_flip_p(differences)
    return Comparison(n, mean, deviation, low, high, t_p, sign_p, min(1.0, 2.0 ** (1 - n)))


def sign_flip_p(differences: np.ndarray) -> float:
    """Return the two-sided p that the mean of (n,) paired differences is 0.

    This is Fisher's randomization test.

    If the recipe makes no difference, each difference is as likely with the other sign. The p is
    the share of all 2^n choices of signs whose mean is at least as far from 0. Above 20 pairs it is
    the share of 2^17 random choices and the observed one.

    >>> sign_flip_p(np.array([1.0, 2.0, 3.0]))
    0.25
    """
    differences = np.asarray(differences, np.float64)
    n = len(differences)
    if n <= _EXACT:
        sums = np.zeros(1)
        for value in differences:
            sums = np.concatenate([sums + value, sums - value])
    else:
        rng = np.random.default_rng(0)
        signs = rng.integers(0, 2, (_DRAWS, n), dtype=np.int8)
        sums = np.append((2.0 * signs - 1) @ differences, differences.sum())
    seen = abs(differences.sum())
    room = 1e-9 * np.abs(differences).sum()  # of rounding, among equal sums
    return float((np.abs(sums) >= seen - room).mean())
