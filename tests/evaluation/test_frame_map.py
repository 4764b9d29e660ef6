"""Frame-mAP against the official evaluator's recorded answers, a literal one, and by hand."""

import json
import math
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ava_det.boxes import iou
from ava_det.evaluation.frame_map import HIT, LEFT_OUT, MISS, frame_map
from ava_det.evaluation.matching import FRAME_PROTOCOLS, number_keyframes, paired_iou
from ava_det.formats.ava_csv import BOX, read_detections, read_ground_truth, read_keyframes
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.structures import Keyframe

A, B = (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)
NO_BOX = (math.nan,) * 4
MAP = ClassMap({1: "stand", 3: "wave"}, {1: "pose", 3: "person"})


def truth_table(rows):
    rows = [(video, tick, *box, action, -1) for video, tick, box, action in rows]
    return pd.DataFrame(rows, columns=["video", "tick", *BOX, "action", "person"])


def found_table(rows):
    rows = [(video, tick, *box, action, -1, score) for video, tick, box, action, score in rows]
    return pd.DataFrame(rows, columns=["video", "tick", *BOX, "action", "person", "score"])


def evaluate(truth, found, protocol="activitynet", **options):
    return frame_map(truth_table(truth), found_table(found), MAP, protocol=protocol, **options)


@pytest.mark.parametrize("case", ["small_1", "crowd_2", "uncapped_3"])
def test_recorded_answers(shared, case):
    folder = shared / "reference" / "ava_eval" / case
    lists = shared / "reference" / "ava_annotations"
    expected = json.loads((folder / "expected.json").read_text())
    excluded = folder / "excluded.csv"
    result = frame_map(
        read_ground_truth(folder / "gt.csv"),
        read_detections(folder / "det.csv"),
        read_class_map(lists / "ava_action_list_v2.2_for_activitynet_2019.pbtxt"),
        protocol=expected["protocol"],
        excluded=read_keyframes(excluded) if excluded.exists() else None,
    )
    assert result.mAP == pytest.approx(expected["mAP"], abs=1e-9)
    assert list(result.ap) == list(expected["AP"])
    for name, value in expected["AP"].items():
        assert result.ap[name] == (None if value is None else pytest.approx(value, abs=1e-9)), name


def literal_ap(truth, found, action, protocol, excluded):
    """AP of one class, or None: one row at a time, as the protocols are written down."""
    listed = {(video, tick) for video, tick, _, _ in truth}
    proper = {
        row for row in {(*r[2],) for r in [*truth, *found]} if row[0] < row[2] and row[1] < row[3]
    }
    positives = defaultdict(list)
    for video, tick, box, label in truth:
        if label == action and box in proper and (video, tick) not in excluded:
            positives[video, tick].append(box)
    total = sum(map(len, positives.values()))
    if not total:
        return None
    by_keyframe = defaultdict(list)
    for row in found:
        if row[3] in MAP.names:
            by_keyframe[row[0], row[1]].append(row)
    ranking = []
    for keyframe, rows in by_keyframe.items():
        if protocol == "activitynet":
            rows = sorted(rows, key=lambda row: -row[4])[:50]
        ranking += [
            row
            for row in rows
            if row[3] == action
            and row[2] in proper
            and keyframe not in excluded
            and (protocol == "uncapped" or keyframe in listed)
        ]
    ranking.sort(key=lambda row: -row[4])
    taken, hits = set(), []
    for video, tick, box, _, _ in ranking:
        overlaps = [iou(np.array([box]), np.array([b]))[0, 0] for b in positives[video, tick]]
        best = int(np.argmax(overlaps)) if overlaps else -1
        hit = best >= 0 and overlaps[best] >= 0.5 and (video, tick, best) not in taken
        if hit:
            taken.add((video, tick, best))
        hits.append(hit)
    area = 0.0
    for k, hit in enumerate(hits):
        if hit:
            later = [sum(hits[: j + 1]) / (j + 1) for j in range(k, len(hits))]
            area += max(later) / total
    return area


# A coarse grid makes duplicates, degenerate boxes, overlaps of exactly one half and equal overlaps.
coordinate = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
box = st.tuples(coordinate, coordinate, coordinate, coordinate)
wide = st.tuples(st.just(0.0), st.just(0.0), coordinate, coordinate)
place = st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 3))
labelled = st.tuples(place, box | wide, st.sampled_from([1, 2, 3]))
empty = st.tuples(place, st.just(NO_BOX), st.just(-1))


@settings(max_examples=150, deadline=None)
@given(
    truth=st.lists(labelled | empty, max_size=12),
    found=st.lists(labelled, max_size=24),
    order=st.randoms(use_true_random=False),
    crowd=st.booleans(),
    excluded=st.sets(place, max_size=2),
    protocol=st.sampled_from(sorted(FRAME_PROTOCOLS)),
)
def test_agrees_with_a_literal_evaluator(truth, found, order, crowd, excluded, protocol):
    truth = [(*keyframe, box, action) for keyframe, box, action in truth]
    if crowd:  # more than 50 rows on a keyframe
        found = [row for row in found for _ in range(8)]
    scores = [k / (len(found) + 1) for k in range(len(found))]
    order.shuffle(scores)
    found = [(*k, box, action, s) for (k, box, action), s in zip(found, scores, strict=True)]
    result = evaluate(truth, found, protocol, excluded=[Keyframe(*k) for k in excluded])
    expected = [literal_ap(truth, found, action, protocol, excluded) for action in MAP.ids]
    known = [value for value in expected if value is not None]
    assert list(result.ap.values()) == [v if v is None else pytest.approx(v) for v in expected]
    assert result.mAP == pytest.approx(np.mean(known) if known else math.nan, nan_ok=True)
    counted = sum(result.detections.values())
    dropped = sum(n for why, n in result.rows.left_out.items() if why.startswith("detections"))
    assert counted + dropped == len(found)
    assert (result.outcome != LEFT_OUT).sum() == counted
    assert (result.outcome == HIT).sum() == sum(r.sum() for r in result.ranked.values())


def test_a_detection_tries_only_its_best_overlap():
    near = (0.0, 0.0, 0.5, 0.4)
    truth = [("v", 1, A, 1), ("v", 1, (0.0, 0.0, 0.5, 0.3), 1)]
    found = [("v", 1, A, 1, 0.9), ("v", 1, near, 1, 0.8)]
    # `near` overlaps A by 0.8 and the other by 0.75; A is taken, so it is false.
    result = evaluate(truth, found)
    assert result.outcome.tolist() == [HIT, MISS]
    assert result.ap == {"stand": 0.5, "wave": None}


def test_overlap_of_exactly_one_half_is_enough():
    assert evaluate([("v", 1, A, 1)], [("v", 1, (0.0, 0.0, 0.5, 0.25), 1, 1.0)]).mAP == 1.0
    half = (0.0, 0.0, 0.5, 0.2499)
    assert evaluate([("v", 1, A, 1)], [("v", 1, half, 1, 1.0)]).mAP == 0.0


def test_equal_scores_go_in_the_order_of_the_table():
    truth = [("v", 1, A, 1)]
    hit, miss = ("v", 1, A, 1, 0.5), ("v", 1, B, 1, 0.5)
    assert evaluate(truth, [hit, miss]).mAP == 1.0
    assert evaluate(truth, [miss, hit]).mAP == 0.5


@pytest.mark.parametrize(("protocol", "expected"), [("activitynet", 1.0), ("uncapped", 0.5)])
def test_keyframes_without_ground_truth(protocol, expected):
    truth = [("v", 1, A, 1)]
    found = [("v", 1, A, 1, 0.5), ("v", 2, A, 1, 0.9)]
    result = evaluate(truth, found, protocol)
    assert (result.mAP, result.rows.unlisted) == (expected, 1)
    # Listed as empty, or only by a class outside the map, it counts in both.
    for row in [("v", 2, NO_BOX, -1), ("v", 2, A, 2)]:
        result = evaluate([*truth, row], found, protocol)
        assert (result.mAP, result.rows.unlisted) == (0.5, 0)


@pytest.mark.parametrize(("protocol", "expected"), [("activitynet", 0.0), ("uncapped", 1 / 51)])
def test_only_the_official_protocol_has_a_cap(protocol, expected):
    found = [("v", 1, B, 1, 0.9)] * 50 + [("v", 1, A, 1, 0.1)]
    result = evaluate([("v", 1, A, 1)], found, protocol)
    assert result.mAP == pytest.approx(expected)
    assert sum(result.rows.left_out.values()) == (protocol == "activitynet")


def test_the_cap_counts_evaluated_classes_only_and_degenerate_boxes_too():
    truth, last = [("v", 1, A, 1)], ("v", 1, A, 1, 0.1)
    assert evaluate(truth, [("v", 1, B, 2, 0.9)] * 50 + [last]).mAP == 1.0
    assert evaluate(truth, [("v", 1, (0.5, 0.5, 0.5, 1.0), 1, 0.9)] * 50 + [last]).mAP == 0.0


def test_ticks_are_never_rounded_to_seconds():
    truth = [("v", tick, A, 1) for tick in range(60)]
    found = [("v", tick, A, 1, 0.5) for tick in range(60)]
    assert evaluate(truth, found).mAP == 1.0
    assert evaluate(truth, [("v", tick + 1, *row) for _, tick, *row in found]).ap["stand"] < 1


def test_groups_and_what_is_left_out():
    truth = [("v", 1, A, 1), ("v", 1, B, 3), ("v", 1, A, 2), ("v", 9, A, 1)]
    found = [("v", 1, A, 1, 0.9), ("v", 1, A, 2, 0.9), ("v", 2, A, 1, 0.8), ("v", 9, A, 3, 0.7)]
    found += [("v", 1, (0.5, 0.5, 0.2, 0.9), 3, 0.4)]
    result = evaluate(truth, found, excluded=[Keyframe("v", 9), Keyframe("w", 9)])
    assert result.ap == {"stand": 1.0, "wave": 0.0}
    assert result.groups == {"pose": 1.0, "person": 0.0}
    assert result.ground_truth == {"stand": 1, "wave": 1}
    assert result.detections == {"stand": 1, "wave": 0}
    assert result.outcome.tolist() == [HIT, LEFT_OUT, LEFT_OUT, LEFT_OUT, LEFT_OUT]
    assert result.rows.left_out == {
        "ground truth of classes that are not evaluated": 1,
        "ground truth on excluded keyframes": 1,
        "detections of classes that are not evaluated": 1,
        "detections on keyframes that are not listed": 1,
        "detections on excluded keyframes": 1,
        "detections with a degenerate box": 1,
    }
    precision, recall = result.curves()["stand"]
    assert (precision.tolist(), recall.tolist()) == ([1.0], [1.0])
    assert result.counted.tolist() == [True, True, False, False]


def test_nothing_at_all():
    result = evaluate([], [])
    assert math.isnan(result.mAP)
    assert result.ap == {"stand": None, "wave": None}
    assert evaluate([("v", 1, A, 1)], []).mAP == 0.0
    with pytest.raises(KeyError):
        evaluate([], [], protocol="unheard of")


def test_keyframes_have_one_number_in_all_tables():
    one = pd.DataFrame({"video": pd.Categorical(["b", "a", "b"]), "tick": [1, 1, 2]})
    two = pd.DataFrame({"video": ["a", "c", "b"], "tick": [1, 1, 2]})
    first, second = number_keyframes([one, two])
    assert len({*first, *second}) == 4
    assert (first[1], first[2]) == (second[0], second[2])


def test_paired_iou_is_the_diagonal_of_iou():
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.random((2, 50, 2, 2)), axis=2).reshape(2, 50, 4)
    np.testing.assert_array_equal(paired_iou(*boxes), np.diag(iou(*boxes)))
