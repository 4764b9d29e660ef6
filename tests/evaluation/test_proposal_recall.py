"""ava_det.evaluation.proposal_recall: by hand, and against a loop over everything."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.evaluation.proposal_recall import BOX, proposal_recall
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.proposals import read_proposals

TRUTH = """\
a,1,0,0,0.5,1,3
a,1,0,0,0.5,1,7
a,1,0.5,0,1,1,3
a,2,0,0,1,0.5,3
b,1
"""
# The first covers its person wholly, the second by 0.8, the third is for a keyframe further on.
FOUND = """\
a,1,0,0,0.5,1,,0.9
a,1,0.5,0,1,0.8,,0.6
a,1,0,0,0.1,0.1,,0.95
b,1,0,0,1,1,,0.7
c,1,0,0,1,1,,0.99
"""


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "truth.csv").write_text(TRUTH)
    (tmp_path / "found.csv").write_text(FOUND)
    return read_ground_truth(tmp_path / "truth.csv"), read_proposals(tmp_path / "found.csv")


def test_a_box_with_several_labels_is_one(tables, tmp_path):
    """As PySlowFast's lists have them: a row per box and label."""
    truth, found = tables
    rows = [row for row in FOUND.splitlines() for _ in range(2)]
    labelled = [row.replace(",,", f",{1 + k % 2},") for k, row in enumerate(rows)]
    (tmp_path / "labelled.csv").write_text("\n".join(labelled) + "\n")
    for most in (None, 1, 2):
        expected = proposal_recall(truth, found, most=most)
        result = proposal_recall(truth, read_proposals(tmp_path / "labelled.csv"), most=most)
        assert result.table().equals(expected.table())
        assert result.unlisted == expected.unlisted == 1


def test_by_hand(tables):
    result = proposal_recall(*tables, ious=(0.5, 0.8, 0.81), scores=(0.0, 0.7, 0.96))
    assert (result.people, result.keyframes, result.unlisted) == (3, 3, 1)
    assert result.boxes.tolist() == [4, 3, 0]
    assert result.recall == pytest.approx(
        np.array([[2 / 3, 2 / 3, 1 / 3], [1 / 3, 1 / 3, 1 / 3], [0, 0, 0]])
    )


@pytest.mark.parametrize(("most", "recall", "boxes"), [(1, 0.0, 2), (2, 1 / 3, 3), (3, 2 / 3, 4)])
def test_at_most_so_many_a_keyframe_by_score(tables, most, recall, boxes):
    result = proposal_recall(*tables, ious=(0.5,), scores=(0.0,), most=most)
    assert result.recall[0, 0] == pytest.approx(recall)
    assert result.boxes[0] == boxes


def test_as_a_table(tables):
    table = proposal_recall(*tables, ious=(0.5, 0.9), scores=(0.8, 0.5)).table()
    assert list(table.columns) == ["score", "boxes", "per keyframe", "recall@0.5", "recall@0.9"]
    assert table["score"].tolist() == [0.5, 0.8]
    assert table["per keyframe"].tolist() == pytest.approx([4 / 3, 2 / 3])


def test_nobody_to_find(tables):
    with pytest.raises(ValueError, match="no annotated person"):
        proposal_recall(tables[0].iloc[4:], tables[1])


boxes = st.tuples(*[st.integers(0, 3)] * 2, *[st.integers(4, 8)] * 2)
rows = st.tuples(st.sampled_from("ab"), st.integers(1, 3), boxes, st.integers(0, 4))


@given(truth=st.lists(rows, min_size=1, max_size=12), found=st.lists(rows, max_size=20))
def test_against_a_loop(truth, found):
    def table(items):
        data = [(v, t, *(np.array(b) / 8), s / 4) for v, t, b, s in items]
        return pd.DataFrame(data, columns=["video", "tick", *BOX, "score"])

    def overlap(a, b):
        width = min(a[2], b[2]) - max(a[0], b[0])
        height = min(a[3], b[3]) - max(a[1], b[1])
        inner = max(width, 0) * max(height, 0)
        return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner)

    ious, scores = (0.3, 0.6), (0.0, 0.5, 1.0)
    result = proposal_recall(table(truth), table(found), ious, scores)
    people = {(v, t, b) for v, t, b, _ in truth}
    for s, score in enumerate(scores):
        for u, least in enumerate(ious):
            covered = sum(
                any(
                    (w, r) == (v, t) and q / 4 >= score and overlap(b, c) >= least - 1e-12
                    for w, r, c, q in found
                )
                for v, t, b in people
            )
            assert result.recall[s, u] * len(people) == pytest.approx(covered)
