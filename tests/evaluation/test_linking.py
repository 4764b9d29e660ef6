import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.boxes import iou
from ava_det.evaluation.linking import Linking, link_boxes, suppress
from ava_det.evaluation.tubes import BoxRows, build_tubes, tube_iou

LEFT, RIGHT = (0.1, 0.1, 0.3, 0.5), (0.6, 0.1, 0.8, 0.5)
LOOSE = Linking(least_ticks=1, tube_nms=1.0)


def boxes(*rows):
    """Rows of (video, step, column, box, score)."""
    video, step, column, box, score = zip(*rows, strict=True)
    return BoxRows(
        np.array(video), np.array(step), np.array(column), np.array(box), np.array(score)
    )


def told(tubes):
    """(video, column, first step, steps, score) of each tube."""
    columns = (tubes.video, tubes.column, tubes.start, tubes.length, tubes.score.round(6))
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_two_people_and_two_classes():
    rows = boxes(
        *((0, t, k, box, score + t / 100) for t in range(4) for k in range(2)
          for box, score in ((LEFT, 0.5), (RIGHT, 0.3)))
    )  # fmt: skip
    each = [(0, k, 0, 4, score) for k in range(2) for score in (0.315, 0.515)]
    assert told(link_boxes(rows, LOOSE).tubes) == each


@pytest.mark.parametrize(("gap", "expected"), [(5, [(0, 0, 0, 6, 0.7)]), (6, None)])
def test_a_gap_is_bridged_over_five_steps(gap, expected):
    shifted = (0.12, 0.1, 0.32, 0.5)
    tubes = link_boxes(boxes((0, 0, 0, LEFT, 0.8), (0, gap, 0, shifted, 0.6)), LOOSE).tubes
    assert told(tubes) == (expected or [(0, 0, 0, 1, 0.8), (0, 0, gap, 1, 0.6)])
    if expected:
        assert tubes.box[:, 0] == pytest.approx([0.1, 0.104, 0.108, 0.112, 0.116, 0.12])


def test_the_better_tube_chooses_first_and_takes_the_best_box():
    """Both people's tubes overlap both boxes of step 1."""
    a, b = (0.0, 0.0, 0.4, 1.0), (0.3, 0.0, 0.7, 1.0)
    middle, better = (0.12, 0.0, 0.5, 1.0), (0.36, 0.0, 0.7, 1.0)
    rows = boxes(
        (0, 0, 0, a, 0.6), (0, 0, 0, b, 0.5), (0, 1, 0, middle, 0.2), (0, 1, 0, better, 0.9)
    )
    tubes = link_boxes(rows, Linking(least_ticks=1, tube_nms=1.0, link_iou=0.05)).tubes
    assert told(tubes) == [(0, 0, 0, 2, 0.35), (0, 0, 0, 2, 0.75)]


def test_what_is_dropped():
    near = (0.11, 0.1, 0.31, 0.5)
    rows = [(0, t, 0, LEFT, 0.9) for t in range(15)]  # kept
    rows += [(0, t, 0, near, 0.8) for t in range(15)]  # overlaps a better box
    rows += [(0, t, 0, RIGHT, 0.9) for t in range(14)]  # too short
    rows += [(1, t, 0, LEFT, 0.009) for t in range(20)]  # too low
    rows += [(2, t, 0, LEFT, 0.9) for t in range(8)]  # long enough at 2 ticks a step
    linked = link_boxes(boxes(*rows), Linking())
    assert told(linked.tubes) == [(0, 0, 0, 15, 0.9)]
    assert (linked.short, linked.low) == (2, 1)
    linked = link_boxes(boxes(*rows), Linking(), stride=2)
    assert (linked.short, linked.low) == (0, 1)
    starts = told(linked.tubes)
    assert [video for video, *_ in starts] == [0, 0, 2]


def test_of_many_boxes_the_best_ten():
    apart = [(k / 20, 0.0, k / 20 + 0.04, 0.5) for k in range(15)]
    rows = boxes(*((0, 0, 0, box, (k + 1) / 20) for k, box in enumerate(apart)))
    assert sorted(link_boxes(rows, LOOSE).tubes.score * 20) == pytest.approx(range(6, 16))


def test_a_tube_that_overlaps_a_better_one():
    first = [(0, t, 0, LEFT, 0.9) for t in range(20)]
    rows, tube = boxes(*first, *first), np.repeat([0, 1], 20)
    tubes = build_tubes(rows, tube)
    same = tube_iou(tubes, np.array([0]), tubes, np.array([1]))
    assert same == pytest.approx([1.0])


@given(st.data())
def test_suppression_like_one_group_at_a_time(data):
    count = data.draw(st.integers(0, 12))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    group = rng.integers(0, 3, count)
    corner = rng.uniform(0, 0.5, (count, 2))
    box = np.concatenate([corner, corner + rng.uniform(0.1, 0.5, (count, 2))], axis=1)
    score, most = rng.permutation(count) / 10, data.draw(st.sampled_from([None, 1, 2]))
    overlaps = iou(box, box)
    expected = []
    for g in range(3):
        kept = []
        for i in sorted(np.flatnonzero(group == g), key=lambda i: -score[i]):
            if all(overlaps[i, j] <= 0.3 for j in kept) and (most is None or len(kept) < most):
                kept.append(i)
        expected += kept
    found = suppress(group, score, lambda i, j: overlaps[i, j], 0.3, most)
    assert found.tolist() == sorted(expected)


def test_nothing():
    nothing = np.zeros(0, np.int64)
    rows = BoxRows(nothing, nothing, nothing, np.zeros((0, 4)), np.zeros(0))
    linked = link_boxes(rows, Linking())
    assert (len(linked.tubes), linked.short, linked.low) == (0, 0, 0)
