"""Repeat factors, against the formula of the LVIS paper by hand, and in a loader."""

import numpy as np
import pandas as pd
import pytest

from ava_det.data.build import build_train_loader
from ava_det.data.mapper import PeopleTrainMapper
from ava_det.data.rare_classes import repeat_factors
from ava_det.data.sets.keyframes import keyframes_of, pack
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.formats.ava_csv import people_by_keyframe
from ava_det.structures import AnnotatedKeyframe, LabelledVideo

# Of 8 keyframes all have class 1 but the last, which has no label; 3 is on two, 9 on one of them.
LABELS = {0: [1, 9], 1: [1, 3], 2: [1], 3: [1], 4: [1, 3, 3], 5: [1], 6: [1], 7: [-1]}
# Below half: sqrt(0.5 / (2 / 8)) for class 3, sqrt(0.5 / (1 / 8)) for class 9.
EXPECTED = [2, np.sqrt(2), 1, 1, np.sqrt(2), 1, 1, 1]


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        (tick, k, action) for tick, actions in LABELS.items() for k, action in enumerate(actions)
    ]
    ticks, people, actions = zip(*rows, strict=True)
    corners = {"x1": 0.0, "y1": 0.0, "x2": 0.1 + 0.1 * np.array(people), "y2": 1.0}
    table = pd.DataFrame({"video": "v", "tick": ticks, **corners, "action": actions, "person": -1})
    return table.astype({"video": "category"})


def test_keyframes(table):
    packed = pack(table, {"v": "v.mp4"})
    people = people_by_keyframe(table).values()
    for records in (packed, keyframes_of(AnnotatedKeyframe("v.mp4", p) for p in people)):
        np.testing.assert_allclose(repeat_factors(records, 0.5), EXPECTED)
        assert (repeat_factors(records, 0.1) == 1).all(), "no class is that rare"


def test_a_part_of_a_set_counts_for_itself(table):
    """Of keyframes 0 and 2, a half has class 9."""
    part = pack(table, {"v": "v.mp4"})[0:4:2]
    np.testing.assert_allclose(repeat_factors(part, 0.8), [np.sqrt(0.8 / 0.5), 1])


def test_videos():
    videos = [LabelledVideo(str(k), "", label) for k, label in enumerate([0, 0, 0, 2])]
    np.testing.assert_allclose(repeat_factors(LabelledVideos(videos), 0.5), [1, 1, 1, np.sqrt(2)])


def test_nobody_has_a_label(table):
    packed = pack(table.assign(action=-1), {"v": "v.mp4"})
    assert (repeat_factors(packed, 0.5) == 1).all()


class TickMapper(PeopleTrainMapper):
    """A mapper that reads nothing."""

    def __init__(self):
        pass

    def __call__(self, record, rng):
        return record.people.keyframe.tick


def test_a_loader_draws_them(table):
    records = pack(table, {"v": "v.mp4"})
    loader = build_train_loader(records, TickMapper(), batch_size=2, seed=0, rare_below=0.5)
    drawn = np.bincount([loader.dataset[number].sample for number in range(8 * 500)])
    np.testing.assert_allclose(drawn / 500, 8 * np.array(EXPECTED) / sum(EXPECTED), atol=0.07)
