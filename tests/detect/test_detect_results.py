"""The three files of a video say the same, can be read, and are never left half done."""

import json

import numpy as np
import pytest

from ava_det.detect.results import Choice, ResultFiles, drawn_frames, write_results
from ava_det.formats.ava_csv import read_detections
from ava_det.formats.class_map import ClassMap
from ava_det.structures import ActionDetections, InputError, Keyframe
from ava_det.video.video import Video

CLASS_MAP = ClassMap({2: "walk", 5: "carry/hold (an object)", 7: "sit"})
ALL = Choice(CLASS_MAP, threshold=0.0, top_k=0)
FACTS = {"video": {"file": 'a "quoted" name'}, "classes": {}}


def detections(tick: int, *people: tuple[int, list[float]]) -> ActionDetections:
    count = len(people)
    return ActionDetections(
        Keyframe("film", tick),
        np.array([[0.1 * k, 0.2, 0.1 * k + 0.3, 1.0] for k in range(count)]).reshape(-1, 4),
        np.array([scores for _, scores in people], np.float32).reshape(-1, 3),
        np.full(count, 0.75),
        np.array([track for track, _ in people], np.int64),
    )


@pytest.mark.parametrize(
    ("threshold", "top_k", "expected"),
    [(0.0, 0, [1, 2, 0]), (0.3, 0, [1, 2]), (0.0, 1, [1]), (0.95, 0, []), (0.9, 3, [1])],
)
def test_the_best_actions_above_the_threshold_are_told(threshold, top_k, expected):
    choice = Choice(CLASS_MAP, threshold, top_k)
    assert choice.columns(np.array([0.25, 0.9, 0.5])) == expected


def test_csv_and_json_agree_and_can_be_read(tmp_path):
    choice = Choice(CLASS_MAP, threshold=0.3, top_k=0)
    with ResultFiles(tmp_path, "film", choice, FACTS) as files:
        files.add(detections(0), 0.0)
        files.add(detections(5, (0, [0.25, 0.9, 0.5]), (3, [0.0, 0.1, 0.2])), 0.2)
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
    with ResultFiles(tmp_path, "film", ALL, FACTS):
        pass
    assert json.loads((tmp_path / "film.json").read_text())["keyframes"] == []
    assert (tmp_path / "film.csv").read_text() == ("video,tick,x1,y1,x2,y2,action,score,track_id\n")


def test_a_failure_leaves_nothing_behind(tmp_path, film):
    path = film(12)

    def results():
        yield detections(0, (0, [0.5, 0.5, 0.5]))
        raise RuntimeError("the model broke")

    folder = tmp_path / "out"
    folder.mkdir()
    with Video(path) as video, pytest.raises(RuntimeError, match="the model broke"):
        write_results(video, results(), folder, ALL, FACTS, lambda: None)
    assert list(folder.iterdir()) == []


class CutShort(Video):
    """A video whose end cannot be decoded."""

    def stream(self, start=0.0):
        for number, (time, picture) in enumerate(super().stream(start)):
            if number < 9:
                yield time, picture
        raise InputError("only 9 of 20 frames can be decoded")


def test_what_could_be_decoded_is_written_before_damage_is_told(tmp_path, film):
    path, drawn = film(20), []
    told = [detections(tick, (0, [0.5, 0.5, 0.5])) for tick in (0, 5)]
    folder = tmp_path / "out"
    folder.mkdir()
    with CutShort(path) as video, pytest.raises(InputError, match="only 9 of 20"):
        write_results(video, told, folder, ALL, FACTS, lambda: drawn.append(1))
    assert len(drawn) == 9
    with Video(folder / f"{path.stem}.mp4") as film_of_results:
        assert len(film_of_results) == 9
        assert (film_of_results.height, film_of_results.width) == (480, 640)
    assert len(read_detections(folder / f"{path.stem}.csv")) == 6
    assert len(json.loads((folder / f"{path.stem}.json").read_text())["keyframes"]) == 2


def test_every_frame_is_drawn_with_the_people_of_its_time(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "ava_det.detect.results.draw_people",
        lambda frame, people: drawn.append([(p.track, p.labels, float(p.box[0])) for p in people]),
    )
    told = [
        detections(0),
        detections(4, (1, [0.25, 0.9, 0.5])),
        detections(8, (9, [0.1, 0.1, 0.1]), (1, [0.6, 0.2, 0.5])),
    ]
    frames = [(number, np.zeros((480, 480, 3), np.uint8)) for number in (0, 1, 2, 5, 7, 9)]
    choice = Choice(CLASS_MAP, threshold=0.3, top_k=2)
    numbers = [n for n, _ in drawn_frames(frames, np.arange(10) / 10, told, choice)]
    assert numbers == [0, 1, 2, 5, 7, 9]
    soon = ("#1 carry/hold 0.90", "sit 0.50")
    later = ("#1 walk 0.60", "sit 0.50")
    assert drawn[:2] == [[], []]
    assert drawn[2] == [(1, soon, 0.0)]  # half way from the keyframe before
    assert drawn[3] == [(1, soon, pytest.approx(0.025))]
    assert drawn[4] == [(9, ("#9",), 0.0), (1, later, pytest.approx(0.075))]
    assert drawn[5] == [(9, ("#9",), 0.0), (1, later, pytest.approx(0.1))]
