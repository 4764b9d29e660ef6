"""ava_det.formats.proposals: every layout of person boxes, and none that runs."""

import os
import pickle

import numpy as np
import pytest

from ava_det.formats.proposals import read_proposals
from ava_det.structures import InputError

CONTENT = {
    "-5KQ66BBWC4,0902": np.array([[0.1, 0.2, 0.3, 0.4, 0.9], [0.5, 0.1, 0.75, 1.0, 0.25]]),
    "a, odd name,0903": np.array([[0.0, 0.0, 1.0, 1.0, 0.8]], np.float32),
    "-5KQ66BBWC4,1798": np.zeros((0, 5)),
}


def pickled(path, content, protocol=4):
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_mmaction2s_pickle(tmp_path, protocol):
    table = read_proposals(pickled(tmp_path / "boxes.pkl", CONTENT, protocol))
    videos = ["-5KQ66BBWC4", "-5KQ66BBWC4", "a, odd name", "-5KQ66BBWC4"]
    assert list(table["video"]) == videos
    assert list(table["tick"]) == [902, 902, 903, 1798]
    assert list(table["x2"][:3]) == [0.3, 0.75, 1.0]
    assert list(table["score"][:2]) == [0.9, 0.25]
    assert np.isnan(table["x1"].iloc[3])  # listed, without a box
    assert list(table.index) == [1, 1, 2, 3]
    assert set(table["action"]) == {-1}


def test_boxes_without_scores_have_score_one(tmp_path):
    table = read_proposals(pickled(tmp_path / "boxes.pkl", {"a,1": [[0.1, 0.1, 0.2, 0.2]]}))
    assert list(table["score"]) == [1.0]


def test_pyslowfasts_list(tmp_path):
    path = tmp_path / "ava_val_predicted_boxes.csv"
    path.write_text("v,0902,0.077,0.151,0.283,0.811,,0.992\nv,0902,0.3,0.1,0.5,0.8,,0.5\n")
    table = read_proposals(path)
    assert list(table["score"]) == [0.992, 0.5]
    assert list(table["tick"]) == [902, 902]


def test_a_csv_and_a_pickle_of_the_same_boxes_are_one_table(tmp_path):
    text = "".join(
        f"{key},{','.join(map(repr, box[:4]))},,{box[4]!r}\n"
        for key, boxes in CONTENT.items()
        if "odd" not in key
        for box in boxes.tolist()
    )
    (tmp_path / "boxes.csv").write_text(text + "-5KQ66BBWC4,1798\n")
    content = {key: boxes for key, boxes in CONTENT.items() if "odd" not in key}
    ours = read_proposals(tmp_path / "boxes.csv").reset_index(drop=True)
    theirs = read_proposals(pickled(tmp_path / "boxes.pkl", content)).reset_index(drop=True)
    assert ours.equals(theirs)


@pytest.mark.parametrize(
    ("threshold", "scores"), [(0.0, [0.9, 0.25, 0.8]), (0.25, [0.9, 0.25, 0.8]), (0.81, [0.9])]
)
def test_a_threshold_is_the_least_score_kept(tmp_path, threshold, scores):
    content = {**CONTENT, "a, odd name,0903": np.array([[0.0, 0.0, 1.0, 1.0, 0.8]])}
    table = read_proposals(pickled(tmp_path / "boxes.pkl", content), threshold)
    assert list(table["score"].dropna()) == scores
    assert table["x1"].isna().sum() == 1  # the keyframe that is listed as empty stays


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path):
    path = pickled(tmp_path / "boxes.pkl", {"a,1": Hostile(tmp_path / "made")})
    with pytest.raises(InputError, match=r"boxes\.pkl: refused: it asks for posix.mkdir"):
        read_proposals(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1, 2], "not a dict from 'video,tick' to boxes"),
        ({}, "not a dict from 'video,tick' to boxes"),
        ({"a": np.zeros((1, 5))}, "entry 1: the key 'a' is not 'video,tick'"),
        ({"a,1": np.ones((1, 5)), 7: np.ones((1, 5))}, "entry 2: the key 7 is not 'video,tick'"),
        ({"a,x": np.zeros((1, 5))}, "entry 1: the key 'a,x' is not 'video,tick'"),
        ({"a,1": np.zeros((1, 6))}, r"entry 1 \(a,1\): an array of shape \(1, 6\), not N x 5"),
        ({"a,1": np.zeros(5)}, r"entry 1 \(a,1\): an array of shape \(5,\), not N x 5"),
        ({"a,1": "boxes"}, r"entry 1 \(a,1\): not an array of numbers"),
        ({"a,1": [[10, 20, 300, 400, 0.9]]}, "x1 = 10.0 is outside the frame"),
        ({"a,1": [[0.1, 0.1, 0.2, 0.2, float("nan")]]}, "score is not finite: nan"),
    ],
)
def test_what_is_no_list_of_boxes_is_one_line(tmp_path, content, said):
    with pytest.raises(InputError, match=said):
        read_proposals(pickled(tmp_path / "boxes.pkl", content))
