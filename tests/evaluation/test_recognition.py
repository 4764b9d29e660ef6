"""Accuracies and the confusion of a test, against counting by hand and by loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ava_det.evaluation.recognition import RecognitionResult
from ava_det.evaluation.top_k import hits


def result(labels, scores):
    labels, scores = np.array(labels), np.array(scores, float)
    return RecognitionResult(tuple(f"v{n}" for n in range(len(labels))), labels, scores)


def test_figures_by_hand():
    found = result(
        [0, 0, 0, 2], [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2], [0.2, 0.3, 0.5]]
    )
    assert found.accuracy(1) == 0.5
    assert found.accuracy(2) == 0.75
    np.testing.assert_allclose(found.class_accuracy(1), [1 / 3, np.nan, 1])
    np.testing.assert_allclose(found.class_accuracy(2), [2 / 3, np.nan, 1])
    assert found.mean_class_accuracy() == pytest.approx(2 / 3)
    assert found.videos_of_class().tolist() == [3, 0, 1]
    assert found.confusion().tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]


TESTS = st.integers(2, 6).flatmap(
    lambda classes: st.integers(1, 30).flatmap(
        lambda videos: st.tuples(
            arrays(np.int64, videos, elements=st.integers(0, classes - 1)),
            arrays(np.float64, (videos, classes), elements=st.floats(0, 1), unique=True),
        )
    )
)


@given(TESTS)
def test_figures_agree_with_one_another(test):
    found = result(*test)
    confusion = found.confusion()
    assert confusion.sum(axis=1).tolist() == found.videos_of_class().tolist()
    assert np.trace(confusion) == round(found.accuracy(1) * len(found.labels))
    for label, scores in zip(*test, strict=True):
        ranked = sorted(range(len(scores)), key=lambda k: -scores[k])
        for k in (1, 2, 5):
            one = hits(scores[None], np.array([label]), k)[0]
            assert one == (label in ranked[:k])


def test_what_is_no_number_is_no_hit():
    scores = np.array([[np.nan, 0.1], [np.nan, np.nan], [0.9, np.nan]])
    assert not hits(scores, np.array([0, 1, 0]), 1).any()
