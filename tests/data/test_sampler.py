"""The order of training is seekable, shared out among processes, and keyed by the seed alone."""

from itertools import islice

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ava_det.data.sampler import Draws, SeekableSampler


def sample(record: int, rng: np.random.Generator) -> tuple[int, float, float]:
    return record, float(rng.random()), float(torch.rand(()))


@given(st.integers(1, 7), st.integers(0, 50), st.integers(0, 5))
def test_starting_later_gives_the_same_draws(records, start, seed):
    draws = Draws(range(records), sample, seed)
    whole = [draws[i] for i in islice(SeekableSampler(), start + 10)]
    fresh = Draws(range(records), sample, seed)
    assert [fresh[i] for i in islice(SeekableSampler(start), 10)] == whole[start:]


@given(st.integers(1, 9), st.integers(0, 9))
def test_an_epoch_has_every_record_once(records, seed):
    draws = Draws(range(records), sample, seed)
    for epoch in range(3):
        seen = [draws[epoch * records + place].sample[0] for place in range(records)]
        assert sorted(seen) == list(range(records))


@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=9), st.integers(0, 99), st.integers(0, 9))
def test_weighted_draws(weights, seed, epoch):
    """An epoch is as long as ever, and each record is drawn as often as it is due, to a draw."""
    count = len(weights)
    draws = Draws(range(count), sample, seed, np.array(weights))
    seen = [draws[epoch * count + place].sample[0] for place in range(count)]
    drawn = np.bincount(seen, minlength=count)
    due = count * np.array(weights) / sum(weights)
    assert (np.abs(drawn - due) < 1 + 1e-9).all()
    again = Draws(range(count), sample, seed, np.array(weights))
    assert again[epoch * count].sample == draws[epoch * count].sample


def test_equal_weights_draw_every_record_once():
    draws = Draws(range(6), sample, 3, np.full(6, 1.7))
    assert sorted(draws[place].sample[0] for place in range(6)) == list(range(6))


def test_weighted_draws_in_the_long_run():
    """Over 3000 epochs the shares are those of the weights; the error of a mean is under 0.01."""
    weights = np.array([1.0, 2.5, 0.5])
    draws = Draws(range(3), lambda record, rng: record, 0, weights)
    drawn = np.bincount([draws[k].sample for k in range(9000)])
    np.testing.assert_allclose(drawn / 3000, 3 * weights / 4, atol=0.03)


def test_processes_share_out_the_draws_of_one():
    alone = list(islice(SeekableSampler(start=6), 12))
    two = [list(islice(SeekableSampler(6, rank, 2), 6)) for rank in range(2)]
    assert sorted(two[0] + two[1]) == alone


def test_the_global_generator_is_left_alone():
    draws = Draws(range(3), sample, seed=0)
    torch.manual_seed(5)
    expected = torch.rand(())
    torch.manual_seed(5)
    draws[1]
    torch.testing.assert_close(torch.rand(()), expected, atol=0, rtol=0)


def test_draws_differ_between_epochs_and_seeds():
    draws, other = Draws(range(3), sample, seed=0), Draws(range(3), sample, seed=1)
    values = {draws[i].sample[1] for i in range(30)} | {other[i].sample[1] for i in range(30)}
    assert len(values) == 60
