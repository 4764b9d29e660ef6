"""Breakdowns by hand, and against plain loops over random cases."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ava_det.boxes import area, iou
from ava_det.evaluation.average_precision import average_precision
from ava_det.evaluation.breakdown import confusion, score_histograms
from ava_det.evaluation.evaluate import EvaluationRules, classes_of, evaluate_tables, other_run
from ava_det.evaluation.figures import read_evaluation, write_evaluation
from ava_det.evaluation.frame_map import HIT, LEFT_OUT, SIZES, frame_map
from ava_det.formats.ava_csv import BOX
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError

MAP = ClassMap({1: "stand", 3: "wave", 4: "run"})
RULES = EvaluationRules(MAP, "activitynet")
TINY, SMALL = (0.0, 0.0, 0.05, 0.05), (0.2, 0.2, 0.3, 0.3)  # 0.0025 and 0.01 of the frame
LEFT, RIGHT = (0.0, 0.3, 0.4, 1.0), (0.6, 0.3, 1.0, 1.0)


def truth(*rows):
    rows = [(video, tick, *box, action, -1) for video, tick, box, action in rows]
    return pd.DataFrame(rows, columns=["video", "tick", *BOX, "action", "person"])


def found(*rows):
    rows = [(video, tick, *box, action, -1, score) for video, tick, box, action, score in rows]
    return pd.DataFrame(rows, columns=["video", "tick", *BOX, "action", "person", "score"])


def test_sizes_by_hand():
    gt = truth(("v", 1, TINY, 1), ("v", 1, LEFT, 1), ("v", 2, SMALL, 3))
    det = found(
        ("v", 1, TINY, 1, 0.9),  # a hit; of no matter to large people
        ("v", 1, RIGHT, 1, 0.8),  # false, and large
        ("v", 1, LEFT, 1, 0.7),
        ("v", 2, TINY, 3, 0.9),  # false, and of no matter to medium people
        ("v", 2, SMALL, 3, 0.8),
    )
    sizes = evaluate_tables(gt, det, RULES).figures["sizes"]
    assert sizes == {
        "small": {"mAP": 1.0, "classes": 1, "ground_truth": 1, "detections": 2},
        "medium": {"mAP": 1.0, "classes": 1, "ground_truth": 1, "detections": 1},
        "large": {"mAP": 0.5, "classes": 1, "ground_truth": 1, "detections": 2},
    }


def test_crowds_by_hand():
    five = [("v", 2, (k / 10, 0, k / 10 + 0.1, 1), 1) for k in range(5)]
    gt = truth(("v", 1, LEFT, 1), ("v", 1, LEFT, 3), *five, ("w", 1, LEFT, 1), ("w", 1, RIGHT, 1))
    det = found(("v", 1, RIGHT, 1, 0.9), ("v", 1, LEFT, 1, 0.8), ("v", 1, LEFT, 3, 0.8))
    crowds = evaluate_tables(gt, pd.concat([det, found((*five[0], 0.7))]), RULES).figures["crowds"]
    assert crowds == {
        "1 person": {"mAP": 0.75, "classes": 2, "ground_truth": 2, "detections": 3},
        "2-4 people": {"mAP": 0.0, "classes": 1, "ground_truth": 2, "detections": 0},
        "5 or more": {"mAP": 0.2, "classes": 1, "ground_truth": 5, "detections": 1},
    }


def test_confusion_by_hand():
    gt = truth(
        *(("v", t, LEFT, 1) for t in range(1, 5)), ("v", 1, RIGHT, 3), ("v", 2, RIGHT, 3),
        ("v", 2, RIGHT, 4),
    )  # fmt: skip
    det = found(
        ("v", 1, RIGHT, 1, 0.9),  # who is there waves
        ("v", 2, RIGHT, 1, 0.8),  # who is there waves and runs
        ("v", 3, LEFT, 1, 0.75),
        ("v", 3, LEFT, 1, 0.7),  # found already
        ("v", 3, RIGHT, 1, 0.6),  # the fifth of four: not among the best
        ("v", 4, RIGHT, 4, 0.6),  # nobody is there
    )
    matrix = confusion(evaluate_tables(gt, det, RULES).result.rows, 3, 0.5)
    assert matrix.tolist() == [[1, 1.5, 0.5, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_histograms_by_hand():
    gt = truth(("v", 1, LEFT, 1))
    det = found(("v", 1, LEFT, 1, 0.999), ("v", 1, LEFT, 1, 0.05), ("v", 1, LEFT, 3, 1.0))
    edges, counts = score_histograms(
        evaluate_tables(gt, det, RULES).result.rows, list(MAP.names.values())
    )
    assert edges == pytest.approx(np.linspace(0, 1, 21))
    assert list(counts) == ["stand", "wave"]
    true, false = counts["stand"]
    assert np.flatnonzero(true).tolist() == [19]
    assert np.flatnonzero(false).tolist() == [1]
    assert np.flatnonzero(counts["wave"][1]).tolist() == [19]
    low, _ = score_histograms(
        evaluate_tables(gt, det.assign(score=-3.0), RULES).result.rows, ["a", "b", "c"]
    )
    assert (low[0], low[-1]) == (-3, 1)


def taken_of(result, detections):
    """The row of the ground truth that each detection has found, else -1."""
    rows, taken = result.rows, np.full(len(detections), -1)
    taken[rows.found.row[rows.hit]] = rows.truth.row[rows.taken[rows.hit]]
    return taken


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def box():
        corner = rng.choice([0, 0.02, 0.3, 0.6], 2)
        return (*corner, *(corner + rng.choice([0.03, 0.1, 0.35], 2)))

    gt = [("v", int(rng.integers(3)), box(), int(rng.choice([1, 3, 4, 9]))) for _ in range(12)]
    det = []
    for k, score in enumerate(rng.permutation(25)):
        there = gt[k % 12][2] if rng.random() < 0.6 else box()
        det.append(("v", int(rng.integers(3)), there, int(rng.choice([1, 3, 4])), score / 25))
    return truth(*gt, ("v", 0, LEFT, 1)), found(*det)


@settings(max_examples=40)
@given(cases())
def test_the_parts_of_random_cases(case):
    """Size: the ranking without what takes, or is itself, of another size."""
    gt, det = case
    done = evaluate_tables(gt, det, RULES)
    outcome, taken = done.result.outcome, taken_of(done.result, det)
    share, there = area(det[BOX].to_numpy()), area(gt[BOX].to_numpy())
    for name, (low, high) in SIZES.items():
        each = []
        for action in MAP.ids:
            positives = sum(
                low <= there[k] < high and gt["action"].iloc[k] == action for k in range(len(gt))
            )
            hits = []
            for k in sorted(range(len(det)), key=lambda k: -det["score"].iloc[k]):
                size = there[taken[k]] if outcome[k] == HIT else share[k]
                if (
                    det["action"].iloc[k] == action
                    and outcome[k] != LEFT_OUT
                    and low <= size < high
                ):
                    hits.append(outcome[k] == HIT)
            if positives:
                each.append(average_precision(np.array(hits, bool), positives))
        expected = pytest.approx(np.mean(each)) if each else None
        assert done.figures["sizes"][name]["mAP"] == expected
        assert done.figures["sizes"][name]["classes"] == len(each)


@settings(max_examples=40)
@given(cases())
def test_a_hit_takes_ground_truth_of_its_own(case):
    gt, det = case
    result = frame_map(gt, det, MAP, protocol="activitynet")
    hits, taken = np.flatnonzero(result.outcome == HIT), taken_of(result, det)
    assert (taken >= 0).sum() == len(hits) == len(set(taken[hits]))
    for k in hits:
        a, b = det.iloc[k], gt.iloc[taken[k]]
        assert tuple(a[["video", "tick", "action"]]) == tuple(b[["video", "tick", "action"]])
        assert iou(np.float64([a[BOX]]), np.float64([b[BOX]]))[0, 0] >= 0.5


@settings(max_examples=40)
@given(cases())
def test_errors_are_as_many_as_there_are(case):
    gt, det = case
    done = evaluate_tables(gt, det, RULES)
    matrix = confusion(done.result.rows, 3, 0.5)
    for k, name in enumerate(MAP.names.values()):
        best = done.result.ranked[name][: done.result.ground_truth[name]]
        assert matrix[k].sum() == pytest.approx((~best).sum())


def test_classes_that_are_found():
    assert classes_of(pd.DataFrame({"action": [7, 3, 7, -1]})).names == {
        3: "action 3",
        7: "action 7",
    }


def test_figures_of_another_run(tmp_path):
    gt, det = truth(("v", 1, LEFT, 1)), found(("v", 1, LEFT, 1, 0.5))
    figures = evaluate_tables(gt, det, RULES).figures
    write_evaluation(tmp_path / "a.json", figures)
    (tmp_path / "a.csv").write_text("v,1,0,0.3,0.4,1,1,0.5\n")
    for name, classes in (("a.json", set()), ("a.csv", {"stand"})):  # those whose curve is known
        run = other_run(tmp_path / name, gt, tmp_path / "gt.csv", RULES)
        assert (run.name, run.figures) == (str(tmp_path / name), figures)
        assert set(run.curves) == classes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "UTF-16 text"),
        (b"[1]", "not the figures"),
        (b'{"mAP": 1}', "not the figures"),
    ],
)
def test_what_is_no_evaluation(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_evaluation(tmp_path / "a.json")


@pytest.mark.parametrize(
    "broken",
    [
        {"AP": {"stand": "0.5"}},
        {"AP": [0.5]},
        {"groups": 1},
        {"ground_truth": {"stand": None}},
        {"sizes": {"small": 0.5}},
        {"ground_truth_boxes": {}},
        {"video_mAP": {"protocol": "act", "mAP": {"0.5": 0.1}}},
    ],
)
def test_what_is_compared_of_an_evaluation_is_numbers(tmp_path, broken):
    gt, det = truth(("v", 1, LEFT, 1)), found(("v", 1, LEFT, 1, 0.5))
    write_evaluation(tmp_path / "a.json", evaluate_tables(gt, det, RULES).figures | broken)
    with pytest.raises(InputError, match=r"a\.json: not the figures of an evaluation"):
        read_evaluation(tmp_path / "a.json")
