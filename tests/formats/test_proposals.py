"""ava_det.formats.proposals: every layout of person boxes, and none that runs."""

import collections
import os
import pickle

import numpy as np
import pytest

from ava_det.formats.ava_rows import BOX
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


BOX5 = np.array([[0.1, 0.1, 0.5, 0.9, 0.75]])
KEYS = {
    "a string": {"v1,0902": BOX5},
    "numpy's string": {np.str_("v1,0902"): BOX5},
    "bytes": {b"v1,0902": BOX5},
    "a pair": {("v1", 902): BOX5},
    "a pair of strings": {("v1", "0902"): BOX5},
    "a pair of numpy's": {(np.str_("v1"), np.int64(902)): BOX5},
    "a pair with a whole float": {("v1", np.float32(902)): BOX5},
    "a pair with bytes": {(b"v1", 902): BOX5},
    "ordered": collections.OrderedDict({"v1,0902": BOX5}),
    "with a default": collections.defaultdict(list, {"v1,0902": BOX5.tolist()}),
    "a dict a video": {"v1": {902: BOX5}},
    "a dict a video, with defaults": collections.defaultdict(dict, {"v1": {"0902": BOX5}}),
    "tuples": {"v1,0902": [tuple(BOX5[0].tolist())]},
    "rows": {"v1,0902": [BOX5[0]]},
    "another type": {"v1,0902": BOX5.astype(">f8")},
}


@pytest.mark.holds("13.8 proposal pickles: defaultdict, pairs and other keys are read")
@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", KEYS)
def test_keys_and_containers(tmp_path, name, protocol):
    path = tmp_path / "boxes.pkl"
    path.write_bytes(pickle.dumps(KEYS[name], protocol))
    table = read_proposals(path)
    columns = ["video", "tick", *BOX, "score"]
    assert table[columns].to_numpy().tolist() == [["v1", 902, *BOX5[0].tolist()]]


@pytest.mark.holds("13.8 proposal pickles: the cases")
@pytest.mark.parametrize("name", ["defaultdict", "tuple_keys"])
def test_pickles_that_were_refused(shared, name):
    (row,) = read_proposals(shared / f"cases/pickle_keys/{name}.4.pkl").to_dict("records")
    assert (row["video"], row["tick"]) == ("v1", 902)
    assert row["score"] == pytest.approx(0.99)


class Foreign:
    pass


@pytest.mark.holds("13.8 proposal pickles: what cannot be read is answered with the remedy")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"v": Foreign()}, "it asks for .*Foreign, .*write a plain dict of numpy arrays"),
        (collections.Counter("v"), "Counter, .*write a plain dict of numpy arrays"),
        ({"v_0902": BOX5}, "the key 'v_0902' is not 'video,tick' or a pair"),
        ({("v", "w", 902): BOX5}, r"the key .* is not 'video,tick' or a pair \(video, tick\)"),
        ({("v", 902.5): BOX5}, "is not 'video,tick' or a pair"),
        ({("v\ud800", 902): BOX5}, "surrogates not allowed|not a pickle"),
    ],
)
def test_keys_that_are_none(tmp_path, content, message):
    path = tmp_path / "boxes.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=f"boxes.pkl: .*(?:{message})"):
        read_proposals(path)


@pytest.mark.holds("13.9 bounds: a small pickle of lists within lists, or of one array many times")
def test_small_pickles_of_very_much(tmp_path, monkeypatch):
    nested = [0.5, 0.5]
    for _ in range(60):
        nested = [nested, nested]
    path = tmp_path / "boxes.pkl"
    path.write_bytes(pickle.dumps({"v,1": nested}))
    with pytest.raises(InputError, match="not an array of numbers"):
        read_proposals(path)
    monkeypatch.setattr("ava_det.formats.proposals.MOST_ROWS", 1000)
    path.write_bytes(pickle.dumps(dict.fromkeys([f"v,{k}" for k in range(300)], BOX5.repeat(9, 0))))
    with pytest.raises(InputError, match="more than 1,000 boxes"):
        read_proposals(path)


@pytest.mark.holds("13.12 a score threshold is from 0 to 1, in a config, too")
@pytest.mark.parametrize("threshold", [30, -0.1, 1.01, float("nan")])
def test_a_threshold_that_is_no_score_is_refused(tmp_path, threshold):
    path = pickled(tmp_path / "boxes.pkl", {"v,0902": np.zeros((0, 5))})
    with pytest.raises(InputError, match=r"threshold=.*: scores are from 0 to 1"):
        read_proposals(path, threshold)
