"""The csv and the json of a video say the same and can be read."""

import json

import numpy as np

from ava_det.detect.results import Action, KeyframeResult, PersonResult, csv_file, json_file
from ava_det.formats.ava_csv import read_detections

FACTS = {"video": {"file": 'a "quoted" name'}, "classes": {}}
CARRY, SIT = Action(5, "carry/hold (an object)", 0.9), Action(7, "sit", 0.5000001)
RESULTS = [
    KeyframeResult(0, 0.0, ()),
    KeyframeResult(
        5,
        0.2,
        (
            PersonResult(0, np.array([0.0, 0.2, 0.3, 1.0]), 0.75, (CARRY, SIT)),
            PersonResult(3, np.array([0.1, 0.2, 0.4, 1.0]), 0.75, ()),
        ),
    ),
]


def test_csv_and_json_agree_and_can_be_read(tmp_path):
    with (
        csv_file(tmp_path / "film.csv", "film") as to_csv,
        json_file(tmp_path / "film.json", FACTS) as to_json,
    ):
        for result in RESULTS:
            to_csv(result)
            to_json(result)
    table = read_detections(tmp_path / "film.csv")
    assert table["video"].tolist() == ["film", "film"]
    assert table["tick"].tolist() == [5, 5]
    assert table["action"].tolist() == [5, 7]
    assert table["person"].tolist() == [0, 0]
    np.testing.assert_allclose(table["score"], [0.9, 0.5])
    np.testing.assert_allclose(table[["x1", "y1", "x2", "y2"]], [[0.0, 0.2, 0.3, 1.0]] * 2)

    told = json.loads((tmp_path / "film.json").read_text())
    assert told["video"] == FACTS["video"]
    assert [keyframe["frame"] for keyframe in told["keyframes"]] == [0, 5]
    assert told["keyframes"][1]["time"] == 0.2
    first, second = told["keyframes"][1]["people"]
    assert first["actions"] == [
        {"id": 5, "name": "carry/hold (an object)", "score": 0.9},
        {"id": 7, "name": "sit", "score": 0.5},
    ]
    assert second == {"track": 3, "box": [0.1, 0.2, 0.4, 1.0], "score": 0.75, "actions": []}


def test_a_video_without_anybody_still_gives_whole_files(tmp_path):
    with csv_file(tmp_path / "film.csv", "film"), json_file(tmp_path / "film.json", FACTS):
        pass
    assert json.loads((tmp_path / "film.json").read_text())["keyframes"] == []
    assert (tmp_path / "film.csv").read_text() == "video,tick,x1,y1,x2,y2,action,score,track_id\n"


def test_keypoints_are_in_the_json_if_the_detector_finds_them(tmp_path):
    keypoints = np.linspace(0, 1, 51).reshape(17, 3)
    people = (
        PersonResult(0, np.array([0.0, 0.2, 0.3, 1.0]), 0.75, (SIT,), keypoints),
        PersonResult(3, np.array([0.1, 0.2, 0.4, 1.0]), 0.75, ()),
    )
    with json_file(tmp_path / "film.json", FACTS) as write:
        write(KeyframeResult(0, 0.0, people))
    first, second = json.loads((tmp_path / "film.json").read_text())["keyframes"][0]["people"]
    np.testing.assert_allclose(first["keypoints"], keypoints, atol=1e-5)
    assert "keypoints" not in second
