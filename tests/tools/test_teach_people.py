"""What two teachers find on a frame, merged to people for sure and people who do not count."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from ava_det.formats.coco_people import read_pictures
from ava_det.structures import InputError
from teach_people import Found, MoveNet, PicoDet, main, parser, people_for_sure

A, A_TOO, B = [0.1, 0.1, 0.3, 0.9], [0.11, 0.12, 0.31, 0.9], [0.5, 0.1, 0.7, 0.9]
NOBODY = np.zeros((0, 4))


def poses(*people: tuple[list[float], float]) -> Found:
    boxes = np.array([box for box, _ in people]).reshape(-1, 4)
    keypoints = np.full((len(people), 17, 3), 0.5)
    keypoints[:, 3, 2] = 0.1  # not sure
    return Found(boxes, np.array([score for _, score in people]), keypoints)


def boxes(*people: tuple[list[float], float]) -> Found:
    found = poses(*people)
    return Found(found.boxes, found.scores, np.full_like(found.keypoints, np.nan))


def merged(annotated: np.ndarray, posed: Found, boxed: Found) -> tuple[list, list, list]:
    people, keypoints, crowds = people_for_sure(annotated, posed, boxed)
    return people.tolist(), keypoints[:, :, 2].sum(1).tolist(), crowds.tolist()


def test_a_person_whom_both_find_has_the_box_of_one_and_the_keypoints_of_the_other():
    assert merged(NOBODY, poses((A_TOO, 0.6)), boxes((A, 0.9))) == ([A], [16.0], [])
    people, known, _ = merged(NOBODY, poses((A_TOO, 0.6)), boxes((A, 0.4)))
    np.testing.assert_allclose(people, [np.mean([A, A_TOO], 0)])  # neither box is sure
    assert known == [16.0]


def test_a_person_of_whom_one_is_sure_counts_and_a_doubtful_one_does_not():
    assert merged(NOBODY, poses((A, 0.4)), boxes()) == ([A], [16.0], [])
    assert merged(NOBODY, poses(), boxes((B, 0.7))) == ([B], [0.0], [])
    assert merged(NOBODY, poses((A, 0.2)), boxes((B, 0.3))) == ([], [], [A, B])
    assert merged(NOBODY, poses((A, 0.1)), boxes((B, 0.2))) == ([], [], [])


def test_a_doubtful_part_of_a_person_is_no_person():
    head = [0.15, 0.1, 0.25, 0.3]
    assert merged(NOBODY, poses((A, 0.6)), boxes((A, 0.9), (head, 0.4))) == ([A], [16.0], [])


def test_annotated_people_have_their_own_boxes():
    found = merged(np.array([A_TOO]), poses((A, 0.6), (B, 0.5)), boxes((A, 0.9)))
    assert found == ([A_TOO, B], [16.0, 16.0], [])


def test_two_people_close_together_stay_two():
    near = [0.2, 0.1, 0.4, 0.9]  # an IoU of a third
    assert len(merged(NOBODY, poses((A, 0.6), (near, 0.6)), boxes((A, 0.9), (near, 0.9)))[0]) == 2


def arguments(shared: Path, output: Path, *videos: str) -> list[str]:
    models = shared / "models"
    files = ["--movenet", models / "movenet_multipose.tflite"]
    files += ["--picodet", models / "picodet_s_416_coco.onnx"]
    return [str(x) for x in (*videos, *files, "--output", output, "--every", 30)]


def test_picodet_finds_the_people_of_a_real_frame(shared):
    from ava_det.video.video import Video

    path = next((shared / "data" / "ut_interaction" / "set1").glob("*_0.mp4"))
    with Video(path) as video:
        frame = video.frames(video.frame_times[:1])[0]
    found = PicoDet(shared / "models" / "picodet_s_416_coco.onnx").people(frame)
    sure = found.boxes[found.scores > 0.5]
    assert len(sure) == 2
    assert ((sure[:, 3] - sure[:, 1]) > 0.4).all()


@pytest.mark.slow
def test_a_video_becomes_a_file_of_pictures(shared, tmp_path, monkeypatch, capsys):
    pytest.importorskip("ai_edge_litert", reason="MoveNet needs LiteRT")
    monkeypatch.setenv("DETECTRON2_DATASETS", str(shared / "data"))
    main(
        parser().parse_args(arguments(shared, tmp_path / "a.json", "ut_interaction/set1/0_1_4.mp4"))
    )
    pictures = read_pictures(tmp_path / "a.json")
    assert "pictures" in capsys.readouterr().out
    assert pictures[0].path == "ut_interaction/set1/0_1_4.mp4"
    assert max(len(picture.boxes) for picture in pictures) >= 2


def test_a_pattern_without_videos_is_named(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("DETECTRON2_DATASETS", str(tmp_path))
    monkeypatch.setattr(MoveNet, "__init__", lambda self, path: None)
    given = parser().parse_args(arguments(shared, tmp_path / "a.json", "films/*.mp4"))
    with pytest.raises(InputError, match="no such file"):
        main(given)
