import numpy as np
import pytest
from detectron2.evaluation.pascal_voc_evaluation import voc_ap
from hypothesis import given
from hypothesis import strategies as st

from ava_det.evaluation.average_precision import average_precision, envelope, precision_recall


@pytest.mark.parametrize(
    ("hits", "positives", "expected"),
    [
        ([1], 1, 1.0),
        ([0, 1], 1, 0.5),
        ([1, 0], 4, 0.25),
        ([], 3, 0.0),
        ([0, 0], 3, 0.0),
        # precision 1, 1/2, 2/3, 3/4: the envelope lifts the hit at 2/3 to 3/4
        ([1, 0, 1, 1], 4, (1 + 3 / 4 + 3 / 4) / 4),
    ],
)
def test_average_precision_by_hand(hits, positives, expected):
    assert average_precision(np.array(hits, bool), positives) == pytest.approx(expected, abs=1e-15)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 20))
def test_agrees_with_detectron2(hits, missed):
    hits = np.array(hits, bool)
    positives = max(int(hits.sum()) + missed, 1)
    precision, recall = precision_recall(hits, positives)
    expected = voc_ap(recall, precision, use_07_metric=False)
    assert average_precision(hits, positives) == pytest.approx(expected, abs=1e-12)


def test_curve_and_its_envelope():
    precision, recall = precision_recall(np.array([False, True, False, True]), 2)
    np.testing.assert_allclose(precision, [0, 1 / 2, 1 / 3, 1 / 2])
    np.testing.assert_allclose(recall, [0, 1 / 2, 1 / 2, 1])
    np.testing.assert_allclose(envelope(precision), [1 / 2] * 4)
