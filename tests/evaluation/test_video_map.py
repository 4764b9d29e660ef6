"""Video-mAP against figures that ACT's and MultiSports' evaluators gave for the same input."""

import numpy as np
import pandas as pd
import pytest
from tube_cases import COLUMNS, made_case

from ava_det.evaluation.linking import Linking
from ava_det.evaluation.video_map import THRESHOLDS, trapezoid_precision, video_map
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError

MAP = ClassMap({1: "stand", 2: "wave", 3: "run"})

# What `BuildTubes` (K = 1; where it divides 0 by 0, on a missed frame, boxes interpolated) and
# `videoAP` of ACT gave, class by class; and the mean that `evaluate_multisports.py` gave for the
# same tubes: (seed, share missed) -> threshold -> (ACT's APs, MultiSports' mean).
RECORDED = {
    (1, 0.0): {
        0.2: ([0.5090145965, 0.7196166928, 0.788961039], 0.6900728901),
        0.5: ([0.2998907343, 0.5714285714, 0.788961039], 0.5651223776),
        0.75: ([0.015625, 0.0, 0.0], 0.0104166667),
    },
    (2, 0.3): {
        0.2: ([0.2858831645, 0.5196406768, 0.8875588697], 0.6443485086),
        0.5: ([0.0965332287, 0.1680664574, 0.818877551], 0.3727803942),
        0.75: ([0.0, 0.0, 0.0702380952], 0.0095238095),
    },
    (3, 0.6): {
        0.2: ([0.2395103634, 0.6670386905, 0.6790427165], 0.5419186313),
        0.5: ([0.0, 0.015625, 0.2308987309], 0.0949370845),
        0.75: ([0.0, 0.0, 0.0185185185], 0.012345679),
    },
}
A, B = (0.1, 0.1, 0.3, 0.5), (0.1, 0.1, 0.3, 0.31)  # they overlap by 0.525


def rows(*tubes):
    """A table of (video, first tick, last tick, box, action, person, score) tubes."""
    table = [
        (video, tick, *box, action, person, score)
        for video, first, last, box, action, person, score in tubes
        for tick in range(first, last + 1)
    ]
    types = dict.fromkeys(COLUMNS[1:], "float64") | {"action": "int64", "person": "int64"}
    return pd.DataFrame(table, columns=COLUMNS).astype(types | {"tick": "int64"})


@pytest.mark.parametrize(("seed", "missed"), RECORDED)
def test_recorded(seed, missed):
    truth, found = made_case(seed, missed=missed)
    act = video_map(truth, found, MAP)
    multisports = video_map(truth, found, MAP, protocol="multisports")
    assert act.linked
    for threshold, (each, mean) in RECORDED[seed, missed].items():
        assert list(act.ap[threshold].values()) == pytest.approx(each, abs=1e-9)
        assert multisports.mAP(threshold) == pytest.approx(mean, abs=1e-9)


def test_order_of_rows_does_not_matter():
    truth, found = made_case(4, videos=4, missed=0.2)
    shuffled = video_map(truth.sample(frac=1, random_state=0), found.sample(frac=1), MAP)
    assert shuffled.ap == video_map(truth, found, MAP).ap


def test_a_perfect_result_and_its_figures():
    truth = rows(("v", 0, 19, A, 1, 0, 1.0), ("v", 0, 19, A, 2, 1, 1.0), ("w", 5, 24, B, 1, 0, 1.0))
    result = video_map(truth, truth.assign(person=-1, score=0.9), MAP)
    assert result.figures() == {"0.2": 1.0, "0.5": 1.0, "0.75": 1.0, "0.5:0.95": 1.0}
    assert result.ground_truth == {"stand": 2, "wave": 1, "run": 0}
    assert result.ap[0.5] == {"stand": 1.0, "wave": 1.0, "run": None}


@pytest.mark.parametrize(
    ("last", "box", "figure"),
    [
        (19, A, 1.0),
        (19, B, 0.1),  # true at one of ten thresholds
        (13, A, 0.5),  # overlap 14 / 20 = 0.7: at 0.5, 0.55, 0.6, 0.65 and 0.7
        (17, B, 0.0),  # 0.4725
    ],
)
def test_temporal_and_spatial_overlap(last, box, figure):
    truth = rows(("v", 0, 19, A, 1, 0, 1.0))
    found = rows(("v", 0, last, box, 1, -1, 0.9))
    result = video_map(truth, found, MAP, linking=Linking(least_ticks=1))
    assert result.figures()["0.5:0.95"] == pytest.approx(figure)


def test_a_taken_tube_and_the_second_best():
    """Two people overlap; two tracks are nearest to the first one, and reach the other as well."""
    left, right = (0.1, 0.1, 0.5, 0.5), (0.15, 0.1, 0.55, 0.5)
    near, also = (0.11, 0.1, 0.51, 0.5), (0.12, 0.1, 0.52, 0.5)
    truth = rows(("v", 0, 9, left, 1, 0, 1.0), ("v", 0, 9, right, 1, 1, 1.0))
    found = rows(("v", 0, 9, near, 1, 5, 0.9), ("v", 0, 9, also, 1, 6, 0.8))
    result = video_map(truth, found, MAP)
    assert not result.linked
    assert result.detections["stand"] == 2
    assert result.ap[0.5]["stand"] == 1.0
    # The first choice only: one of two is found.
    assert video_map(truth, found, MAP, protocol="multisports").ap[0.5]["stand"] == 0.5


def test_one_who_stops_and_starts_again_is_two_tubes():
    truth = rows(("v", 0, 9, A, 1, 0, 1.0), ("v", 12, 19, A, 1, 0, 1.0), ("v", 0, 19, A, 2, 0, 1.0))
    assert video_map(truth, truth.iloc[:0], MAP).ground_truth == {"stand": 2, "wave": 1, "run": 0}


def test_sparse_keyframes_are_steps():
    """Every tenth frame, and another first one in each video."""
    truth = rows(("v", 0, 9, A, 1, 0, 1.0), ("w", 0, 9, A, 1, 0, 1.0))
    truth["tick"] = truth["tick"] * 10 + (truth["video"] == "w") * 3
    result = video_map(truth, truth.assign(person=-1), MAP)
    assert result.stride == 10
    assert result.ground_truth["stand"] == 2
    assert result.mAP(0.95) == 1.0


def test_tubes_that_are_too_short_are_counted():
    """ACT's 15 ticks, whether or not there are keyframes on all of them."""
    truth = rows(("v", 0, 14, A, 1, 0, 1.0), ("v", 0, 13, A, 2, 0, 1.0), ("w", 3, 3, A, 1, 0, 1.0))
    low = rows(("w", 0, 19, A, 3, -1, 0.001))
    result = video_map(truth, pd.concat([truth.assign(person=-1), low]), MAP)
    assert result.detections == {"stand": 1, "wave": 0, "run": 0}
    assert result.left_out == {
        "linked tubes of less than 15 ticks": 2,
        "linked tubes scored below 0.01": 1,
    }
    assert (result.least_ticks, result.short) == (15, 2)
    given = video_map(truth, truth, MAP)  # tubes already
    assert (given.left_out, given.least_ticks, given.short) == ({}, 0, 0)


def test_what_does_not_count():
    truth = rows(("v", 0, 19, A, 1, 0, 1.0))
    flat, elsewhere = (0.3, 0.1, 0.3, 0.5), ("u", 0, 19, A, 1, -1, 1.0)
    found = rows(("v", 0, 19, A, 1, -1, 0.5), ("v", 0, 19, flat, 1, -1, 0.9), elsewhere)
    found = pd.concat([found, rows(("v", 0, 19, A, 9, -1, 0.9))])
    result = video_map(truth, found, MAP)
    assert result.detections == {"stand": 1, "wave": 0, "run": 0}
    assert result.mAP(0.5) == 1.0


def test_people_who_cannot_be_told_apart():
    truth = rows(("v", 0, 9, A, 1, -1, 1.0), ("v", 0, 9, B, 1, -1, 1.0))
    with pytest.raises(InputError, match="ground truth: two boxes of one person"):
        video_map(truth, truth, MAP)


def test_no_detections():
    truth = rows(("v", 0, 9, A, 1, 0, 1.0))
    assert video_map(truth, truth.iloc[:0], MAP).ap[0.2] == {
        "stand": 0.0,
        "wave": None,
        "run": None,
    }


def test_nothing_to_find():
    nothing = rows()
    result = video_map(nothing, nothing, MAP)
    assert np.isnan(result.mAP(0.5))
    with pytest.raises(ValueError, match="no tube"):
        result.summary()


def test_summary_is_complete():
    truth, found = made_case(5, videos=3)
    summary = video_map(truth, found, MAP).summary()
    assert list(summary["mAP"]) == ["0.2", "0.5", "0.75", "0.5:0.95"]
    assert [float(key) for key in summary["AP"]] == list(THRESHOLDS)


def test_trapezoids():
    assert trapezoid_precision(np.array([False, True]), 1) == 0.25  # from (0, 0) to (1, 1/2)
    assert trapezoid_precision(np.zeros(0, bool), 1) == 0.0


def test_annotated_boxes_of_jhmdb(shared):
    """Tubes linked from the annotated boxes are the annotated tubes."""
    table = pd.read_csv(shared / "data" / "jhmdb" / "annotations.csv")
    table = table.rename(columns={"frame": "tick"}).assign(person=0, score=0.9)
    table[["x1", "x2"]] = (table[["x1", "x2"]] + [0, 1]) / 320
    table[["y1", "y2"]] = (table[["y1", "y2"]] + [0, 1]) / 240
    names = sorted(table["action"].unique())
    table["action"] = table["action"].map({name: k for k, name in enumerate(names, 1)})
    classes = ClassMap(dict(enumerate(names, 1)))
    result = video_map(table, table.assign(person=-1), classes)
    assert sum(result.ground_truth.values()) == 928
    # The few that a person leaves too fast to be linked are broken in two.
    assert result.figures()["0.5:0.95"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.holds("13.9 bounds: what tubes take in memory")
def test_tubes_that_take_too_much_memory_are_refused(monkeypatch):
    """Two rows of one track stand for all boxes between them."""
    truth = rows(("v", 1, 4, A, 1, 0, 1.0))
    far = truth.assign(score=0.5)
    far.loc[far.index[-1], "tick"] = 10**9
    with pytest.raises(InputError, match="the tubes miss steps: with the boxes between, they have"):
        video_map(truth, far, MAP)
    monkeypatch.setattr("ava_det.evaluation.video_map.MOST_PAIRS", 0)
    with pytest.raises(InputError, match="1 pairs of an annotated and a detected tube of one"):
        video_map(truth, truth.assign(score=0.5), MAP)


@pytest.mark.holds("13.9 bounds: what tubes take in memory")
def test_boxes_are_compared_a_few_at_a_time_with_the_same_figures(monkeypatch):
    truth, found = made_case(4, videos=4)
    whole = video_map(truth, found, MAP).ap
    monkeypatch.setattr("ava_det.evaluation.tubes._BLOCK", 7)
    assert video_map(truth, found, MAP).ap == whole
