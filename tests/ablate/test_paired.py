"""Paired comparison: worked examples, scipy's own tests, and every sign pattern by hand."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ava_det.ablate.paired import compare, sign_flip_p

scores = st.lists(st.integers(-20, 20), min_size=1, max_size=9)


def test_a_worked_example():
    """Differences 1, 2, 3: mean 2, deviation 1, error 1 / sqrt 3; t of 2 freedoms is 4.3027."""
    result = compare(np.array([11.0, 22, 33]), np.array([10.0, 20, 30]))
    assert (result.pairs, result.difference, result.deviation) == (3, 2, 1)
    half = 4.302653 / 3**0.5
    assert (result.low, result.high) == pytest.approx((2 - half, 2 + half), abs=1e-6)
    assert result.t_p == pytest.approx(0.0741799, abs=1e-6)
    assert result.sign_p == result.least_sign_p == 0.25  # + + + and - - - of 8


@given(scores)
def test_sign_flips_are_all_tried(differences):
    seen = abs(sum(differences))
    signs = list(product((1, -1), repeat=len(differences)))
    far = [
        abs(sum(s * d for s, d in zip(sign, differences, strict=True))) >= seen for sign in signs
    ]
    assert sign_flip_p(np.array(differences) / 7) == pytest.approx(sum(far) / len(signs))


@given(scores, st.integers(0, 2**31))
def test_the_t_test_is_scipy_s(differences, seed):
    other = np.random.default_rng(seed).normal(size=len(differences))
    one = other + differences
    result = compare(one, other)
    if len(differences) > 1 and np.ptp(differences) > 0:
        expected = stats.ttest_rel(one, other)
        interval = expected.confidence_interval(0.95)
        assert result.t_p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
        assert (result.low, result.high) == pytest.approx((interval.low, interval.high), rel=1e-6)
    assert result.sign_p >= result.least_sign_p


def test_the_order_of_two_recipes_only_turns_the_sign():
    a, b = np.random.default_rng(0).normal(size=(2, 6))
    one, other = compare(a, b), compare(b, a)
    assert one.difference == -other.difference
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert (one.t_p, one.sign_p) == pytest.approx((other.t_p, other.sign_p))


@pytest.mark.parametrize(("seeds", "least"), [(1, 1.0), (2, 0.5), (5, 0.0625), (6, 0.03125)])
def test_few_seeds_can_show_only_so_much(seeds, least):
    result = compare(np.arange(seeds) + 50.0, np.zeros(seeds))
    assert result.sign_p == result.least_sign_p == least
    assert np.isnan(result.t_p) == (seeds == 1)


def test_no_difference_and_a_constant_one():
    same = compare(np.ones(4), np.ones(4))
    assert (same.t_p, same.sign_p, same.low, same.high) == (1, 1, 0, 0)
    constant = compare(np.full(4, 2.0), np.zeros(4))
    assert (constant.t_p, constant.sign_p) == (0, 0.125)


def test_many_seeds_are_sampled():
    """Of 24 whole numbers, how many of the 2^24 sums are how large, counted sum by sum."""
    differences = np.random.default_rng(3).integers(-8, 12, 24).tolist()
    ways = Counter({0: 1})
    for value in differences:
        ways = sum(
            (Counter({s + sign * value: n for s, n in ways.items()}) for sign in (1, -1)), Counter()
        )
    far = sum(n for s, n in ways.items() if abs(s) >= abs(sum(differences)))
    assert sign_flip_p(np.array(differences)) == pytest.approx(far / 2**24, abs=0.006)
    assert 0 < sign_flip_p(np.ones(30)) < 1e-4


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((0,), (0,)), ((2, 2), (2, 2))])
def test_what_is_no_pair_is_refused(shapes):
    with pytest.raises(ValueError, match="are no pairs"):
        compare(*map(np.zeros, shapes))
