import pandas as pd
import pytest

from ava_det.evaluation.best_and_worst import best_and_worst, keyframe_precision
from ava_det.evaluation.frame_map import frame_map
from ava_det.formats.ava_csv import BOX
from ava_det.formats.class_map import ClassMap

A, B = (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)


def test_precision_of_each_keyframe_by_hand():
    truth = [("v", 7, A, 1), ("v", 7, A, 2), ("v", 3, B, 1), ("w", 1, A, 9), ("w", 2, A, 1)]
    found = [
        ("v", 3, A, 1, 0.9),  # false, before the true one
        ("v", 3, B, 1, 0.8),
        ("v", 7, A, 2, 0.5),
        ("v", 7, A, 9, 0.9),  # does not count
    ]
    truth = pd.DataFrame(
        [(v, t, *box, a, -1) for v, t, box, a in truth],
        columns=["video", "tick", *BOX, "action", "person"],
    )
    found = pd.DataFrame(
        [(v, t, *box, a, -1, s) for v, t, box, a, s in found],
        columns=["video", "tick", *BOX, "action", "person", "score"],
    )
    result = frame_map(truth, found, ClassMap({1: "stand", 2: "wave"}), protocol="activitynet")
    table = keyframe_precision(truth, result)
    assert set(table.itertuples(index=False, name=None)) == {
        ("v", 7, 2, 0.5),
        ("v", 3, 1, 0.5),
        ("w", 2, 1, 0.0),
    }


def test_best_and_worst():
    rows = [("a", 1, 3, 1.0), ("a", 2, 2, 1.0), ("b", 1, 1, 1.0), ("b", 2, 1, 0.5)]
    rows += [("a", 3, 1, 0.0), ("a", 4, 2, 0.0), ("c", 1, 1, 0.2)]
    table = pd.DataFrame(rows, columns=["video", "tick", "labels", "ap"])
    best, worst = best_and_worst(table, 3)
    places = [list(zip(some["video"], some["tick"], strict=True)) for some in (best, worst)]
    assert places[0] == [("a", 1), ("b", 1), ("c", 1)]  # of every video the best first
    assert places[1] == [("a", 4), ("b", 2), ("a", 3)]
    assert [len(some) for some in best_and_worst(table, 0)] == [0, 0]
    everything, nothing = best_and_worst(table[:2], 9)
    assert (len(everything), len(nothing)) == (2, 0)


def test_nothing_found_is_worst():
    truth = pd.DataFrame([("v", 1, *A, 1, -1)], columns=["video", "tick", *BOX, "action", "person"])
    found = truth.assign(score=1.0)[:0]
    result = frame_map(truth, found, ClassMap({1: "stand"}), protocol="uncapped")
    assert keyframe_precision(truth, result)["ap"].tolist() == [pytest.approx(0)]
