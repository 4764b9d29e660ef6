"""A YOLOX in an ONNX file as a person detector."""

from pathlib import Path

import numpy as np
import pytest

from ava_det.boxes import iou
from ava_det.data.video import VideoReader
from ava_det.detect.persons import load_persons
from ava_det.detect.yolox import YoloxDetector
from ava_det.structures import InputError, Keyframe


def test_rows_of_cells_become_boxes(shared):
    detector = YoloxDetector(shared / "models" / "yolox_nano.onnx")
    rows = np.zeros((3549, 85), np.float32)
    cell = 52 * 52 + 3 * 26 + 5  # stride 16, row 3, column 5
    rows[cell] = [0.5, 0.25, np.log(2), np.log(4), 0.8, 0.5, *[0] * 79]
    rows[cell + 1] = [-0.5, 0.25, np.log(2), np.log(4), 0.8, 0.4, *[0] * 79]  # the same box
    rows[cell + 2] = [0.5, 0.25, np.log(2), np.log(4), 0.8, 0, 1, *[0] * 78]  # no person
    boxes, scores = detector._decode(rows)
    np.testing.assert_allclose(boxes, [[88 - 16, 52 - 32, 88 + 16, 52 + 32]], rtol=1e-6)
    np.testing.assert_allclose(scores, [0.4], rtol=1e-6)


def test_it_finds_the_actor_of_a_real_clip(shared):
    path = next((shared / "data" / "jhmdb" / "videos" / "golf").glob("*.mp4"))
    frames = VideoReader().frames(path, np.zeros(1))
    detector = load_persons(shared / "models" / "yolox_nano.onnx")
    (people,) = detector.people([Keyframe("golf", 0)], frames)
    (squeezed,) = detector.people([Keyframe("golf", 0)], frames[:, ::2, ::2])
    assert people.scores[0] > 0.5
    assert (np.diff(people.scores) <= 0).all()
    assert iou(people.boxes[:1], squeezed.boxes[:1])[0, 0] > 0.7  # relative: at any size


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"ONNX?", "OpenCV cannot run it")]
)
def test_what_is_no_model_is_told_in_one_line(tmp_path, content, message):
    path = Path(tmp_path / "model.onnx")
    if content:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_persons(path)
