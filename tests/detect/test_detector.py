"""A detector's results: iterated over, or written; files are never left half done."""

import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from stub_models import Steps, Walker

from ava_det.detect.detector import Detector
from ava_det.formats.ava_csv import read_detections
from ava_det.structures import InputError
from ava_det.video.video import Video


def test_results_come_keyframe_by_keyframe(film):
    with Detector(Walker(), Steps(), score_threshold=0.05, top_k=1) as detector:
        results = list(detector.detect(film(30)))
    assert [result.frame for result in results] == [0, 5, 10, 15, 20, 25]
    np.testing.assert_allclose([result.time for result in results], np.arange(6) / 5)
    assert [[p.track for p in result.people] for result in results] == [[], *[[0]] * 5]
    (person,) = results[2].people
    assert [(action.id, action.name) for action in person.actions] == [(7, "sit")]
    assert person.actions[0].score == pytest.approx(0.4)


def test_one_reading_writes_all_files(film, tmp_path):
    path, analysed = film(30), []
    detector = Detector(Walker(), Steps(), score_threshold=0.05, files={"weights": "a.safetensors"})
    detector.detect(str(path)).write(
        csv=tmp_path / "a.csv",
        json=tmp_path / "a.json",
        film=tmp_path / "a.mp4",
        progress=lambda: analysed.append(1),
    )
    assert len(analysed) == 30
    told = json.loads((tmp_path / "a.json").read_text())
    facts = {"file": str(path), "height": 48, "width": 64, "frames": 30, "rate": 25.0}
    assert told["video"] == {**facts, "seconds": 1.2}
    assert told["model"]["weights"] == "a.safetensors"
    assert told["model"]["clip"] == {"frames": 4, "stride": 2, "rate": None, "short_side": 24}
    assert told["settings"]["top_k"] == 3
    assert told["classes"] == {"2": "walk", "5": "run (fast)", "7": "sit"}
    assert [keyframe["frame"] for keyframe in told["keyframes"]] == [0, 5, 10, 15, 20, 25]
    table = read_detections(tmp_path / "a.csv")
    assert table["action"].tolist() == [7, 5] * 5
    assert set(table["video"]) == {path.stem}
    with Video(tmp_path / "a.mp4") as drawn, Video(path) as video:
        np.testing.assert_allclose(drawn.frame_times, video.frame_times, atol=1e-4)
        assert (drawn.height, drawn.width) == (480, 640)


def test_each_file_alone_is_the_same(film, tmp_path):
    path = film(30)
    with Video(path) as video:
        Detector(Walker(), Steps()).detect(video).write(
            csv=tmp_path / "a.csv", json=tmp_path / "a.json", film=tmp_path / "a.mp4"
        )
    Detector(Walker(), Steps()).detect(path).to_csv(str(tmp_path / "b.csv"))
    Detector(Walker(), Steps()).detect(path).to_json(tmp_path / "b.json")
    Detector(Walker(), Steps()).detect(path).draw(tmp_path / "b.mp4")
    for suffix in ("csv", "json", "mp4"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


class Pictures:
    """A source of frames in memory, which counts how often it is read."""

    name = "pictures"

    def __init__(self, times, frames):
        self.times, self.pictures, self.readings = times, frames, 0
        self.height, self.width, _ = frames[0].shape

    def frames(self):
        self.readings += 1
        yield from zip(self.times, self.pictures, strict=True)


def test_any_source_of_frames_is_detected_as_a_video(film, tmp_path):
    path, analysed = film(30), []
    with Video(path) as video:
        times, frames = zip(*video.stream(), strict=True)
    source = Pictures(times, frames)
    of_video = [result.frame for result in Detector(Walker(), Steps()).detect(path)]
    assert [result.frame for result in Detector(Walker(), Steps()).detect(source)] == of_video
    Detector(Walker(), Steps()).detect(source).write(
        csv=tmp_path / "a.csv",
        json=tmp_path / "a.json",
        film=tmp_path / "a.mp4",
        progress=lambda: analysed.append(1),
    )
    assert (source.readings, len(analysed)) == (2, 30)
    Detector(Walker(), Steps()).detect(path).write(csv=tmp_path / "b.csv", film=tmp_path / "b.mp4")
    rows = read_detections(tmp_path / "a.csv")
    assert set(rows.pop("video")) == {"pictures"}
    assert rows.equals(read_detections(tmp_path / "b.csv").drop(columns="video"))
    facts = json.loads((tmp_path / "a.json").read_text())["video"]
    assert facts == {"name": "pictures", "height": 48, "width": 64}
    with Video(tmp_path / "a.mp4") as drawn, Video(tmp_path / "b.mp4") as expected:
        np.testing.assert_allclose(drawn.frame_times, expected.frame_times, atol=1e-4)
        for (_, picture), (_, other) in zip(drawn.stream(), expected.stream(), strict=True):
            np.testing.assert_array_equal(picture, other)


def test_lost_frames_of_a_source_are_left_out_of_the_film(tmp_path):
    frames = [np.full((48, 64, 3), 8 * k, np.uint8) for k in range(30)]
    frames[7] = None
    source = Pictures([k / 25 for k in range(30)], frames)
    Detector(Walker(), Steps()).detect(source).draw(tmp_path / "a.mp4")
    with Video(tmp_path / "a.mp4") as drawn:
        assert len(drawn) == 29


def test_the_video_is_read_once(film):
    detections = Detector(Walker(), Steps()).detect(film(12))
    first = next(iter(detections))
    assert first.frame == 0
    with pytest.raises(RuntimeError, match="have been read"):
        list(detections)
    with pytest.raises(RuntimeError, match="have been read"):
        detections.to_csv("never.csv")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 0.0}, r"a rate of 0\.0 keyframes"),
        ({"rate": float("nan")}, "a rate of nan keyframes"),
        ({"top_k": -1}, "top_k -1 is negative"),
    ],
)
def test_senseless_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Detector(Walker(), Steps(), **settings)


def test_a_closed_detector_detects_nothing(film):
    with Detector(Walker(), Steps()) as detector:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        detector.detect(film(12))


def test_what_is_no_video_is_told_when_it_is_read(tmp_path):
    detections = Detector(Walker(), Steps()).detect(tmp_path / "none.mp4")
    with pytest.raises(InputError, match=r"none\.mp4: no such file"):
        detections.to_csv(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


class Broken(Steps):
    """Fails at the second keyframe with somebody."""

    def scores(self, clips, boxes):
        if self.asked:
            raise RuntimeError("the model broke")
        return super().scores(clips, boxes)


def test_a_failure_leaves_nothing_behind(tmp_path, film):
    folder = tmp_path / "out"
    folder.mkdir()
    detections = Detector(Walker(), Broken()).detect(film(30))
    with pytest.raises(RuntimeError, match="the model broke"):
        detections.write(csv=folder / "a.csv", json=folder / "a.json", film=folder / "a.mp4")
    assert list(folder.iterdir()) == []


class CutShort(Video):
    """A video whose end cannot be decoded."""

    def stream(self, start=0.0):
        for number, (time, picture) in enumerate(super().stream(start)):
            if number < 9:
                yield time, picture
        raise InputError("only 9 of 20 frames can be decoded")


def test_what_could_be_decoded_is_written_before_damage_is_told(tmp_path, film):
    analysed = []
    paths = {suffix: tmp_path / f"a.{suffix}" for suffix in ("csv", "json", "mp4")}
    with CutShort(film(20)) as video:
        detections = Detector(Walker(), Steps(), score_threshold=0.0).detect(video)
        with pytest.raises(InputError, match="only 9 of 20"):
            detections.write(
                csv=paths["csv"],
                json=paths["json"],
                film=paths["mp4"],
                progress=lambda: analysed.append(1),
            )
    assert len(analysed) == 9
    with Video(paths["mp4"]) as drawn:
        assert len(drawn) == 9
    assert len(read_detections(paths["csv"])) == 3
    assert len(json.loads(paths["json"].read_text())["keyframes"]) == 2


@pytest.mark.holds("13 It must show: one line for a damaged file whose time stamps are wrong too")
def test_wrong_time_stamps_are_reported_unless_frames_are_lost(film, caplog):
    stamps = ["warning: {}: 1 of 20 time stamps are wrong; their times are interpolated"]
    for kind, reported in ((Video, stamps), (CutShort, [])):
        caplog.clear()
        with kind(film(20)) as video:
            video.index = replace(video.index, damaged_stamps=1)
            with suppress(InputError):
                list(Detector(Walker(), Steps()).detect(video))
            assert caplog.messages == [line.format(video.path) for line in reported]


@pytest.mark.holds("13.6 frames: packets of an MP4 that give no picture are counted")
def test_packets_without_pictures_are_reported(film, caplog):
    with Video(film(20)) as video:
        video.index = replace(video.index, hidden=2)
        list(Detector(Walker(), Steps()).detect(video))
        assert caplog.messages == [
            f"warning: {video.path}: 2 packets give no picture: the edit list of the file leaves "
            "them out, or it is damaged"
        ]


def test_results_come_before_damage_is_told(film):
    with CutShort(film(20)) as video:
        results = iter(Detector(Walker(), Steps()).detect(video))
        assert [next(results).frame, next(results).frame] == [0, 5]
        with pytest.raises(InputError, match="only 9 of 20"):
            next(results)
