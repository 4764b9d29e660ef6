"""A part of a data set: stratified, nested, and the same whatever the order of the list."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.data.subset import stratified_part
from ava_det.structures import LabelledVideo

SETS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(
    lambda labels: LabelledVideos(
        [LabelledVideo(f"v{n}", "", label) for n, label in enumerate(labels)]
    )
)


@given(SETS, st.floats(0.01, 1), st.floats(0.01, 1), st.integers(0, 9))
def test_a_smaller_part_lies_within_a_larger_one(videos, one, other, seed):
    small, large = (stratified_part(videos, part, seed) for part in sorted((one, other)))
    assert set(small) <= set(large) <= set(videos)


@given(SETS, st.floats(0.01, 1), st.integers(0, 9))
def test_every_class_keeps_its_share(videos, fraction, seed):
    whole = Counter(item.label for item in videos)
    part = Counter(item.label for item in stratified_part(videos, fraction, seed))
    assert part.keys() == whole.keys()
    for label, count in part.items():
        assert count == 1 or abs(count - fraction * whole[label]) <= 0.5


@given(SETS, st.floats(0.01, 1))
def test_the_order_of_the_list_does_not_matter(videos, fraction):
    part = stratified_part(videos, fraction, 3)
    assert stratified_part(videos[::-1], fraction, 3) == part[::-1]


def test_seeds_differ_and_the_whole_is_the_whole():
    videos = LabelledVideos([LabelledVideo(f"v{n}", "", n % 2) for n in range(100)])
    parts = {tuple(stratified_part(videos, 0.5, seed)) for seed in range(5)}
    assert len(parts) == 5
    assert stratified_part(videos, 1.0, 0) == videos


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1])
def test_no_such_fraction(fraction):
    with pytest.raises(ValueError, match="fraction"):
        stratified_part(LabelledVideos([]), fraction, 0)
