"""A YOLOX in an ONNX file as a person detector."""

from pathlib import Path

import numpy as np
import pytest

from ava_det.boxes import iou
from ava_det.detect.backends import onnx_probe
from ava_det.detect.persons import load_persons
from ava_det.detect.yolox import YoloxDetector
from ava_det.structures import InputError, Keyframe
from ava_det.video.video import VideoReader

holds = pytest.mark.holds("13.9 ONNX: a damaged file is one line, no crash")


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
    ("content", "message"),
    [
        (None, "no such file"),
        (b"ONNX?", "not an ONNX file that can be used: "),
        (b"\x08\x08\x3a\x00", r"OpenCV cannot run it \("),
    ],
)
def test_what_is_no_model_is_told_in_one_line(tmp_path, content, message):
    path = Path(tmp_path / "model.onnx")
    if content:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_persons(path)
    assert "\n" not in str(caught.value)


@holds
def test_another_detector_is_named_by_what_it_gives(shared):
    with pytest.raises(InputError, match=r"gives \(1, 2704, 80\), not a YOLOX of COCO at 416"):
        YoloxDetector(shared / "models" / "picodet_s_416_coco.onnx")


@holds
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "it crashes: the file is damaged"),
        ("os.abort()", "it crashes: the file is damaged"),
        ("sys.exit('first\\nlast')", r"OpenCV cannot run it \(last\)"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "it takes more than 30 s or too much memory"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "it takes more than 30 s or too much memory"),
        ('print(\'{"error": "a\\\\nb"}\')', r"OpenCV cannot run it \(a b\)"),
    ],
)
def test_a_crash_of_opencv_is_one_line(tmp_path, monkeypatch, code, words):
    """The process that tries a model ends in each of the ways that damaged ones end it."""
    script = tmp_path / "probe.py"
    script.write_text(f"import os, signal, sys\nsys.stdin.buffer.read()\n{code}\n")
    monkeypatch.setattr(onnx_probe, "__file__", str(script))
    (tmp_path / "a.onnx").write_bytes(b"\x08\x08\x3a\x00")  # an empty graph
    with pytest.raises(InputError, match=rf"a\.onnx: .*{words}") as caught:
        YoloxDetector(tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


@holds
def test_a_model_that_needs_more_memory_than_there_is_ends_alone(shared, tmp_path, monkeypatch):
    """The probe may have so much memory that no machine is filled by it."""
    script = tmp_path / "probe.py"
    source = Path(onnx_probe.__file__).read_text()
    script.write_text(source.replace("cv2.setNumThreads(1)", "bytearray(64 << 30)"))
    monkeypatch.setattr(onnx_probe, "__file__", str(script))
    with pytest.raises(InputError, match="OpenCV cannot run it"):
        YoloxDetector(shared / "models" / "yolox_nano.onnx")


@holds
def test_numbers_that_are_no_boxes_are_nobody(shared):
    detector = YoloxDetector(shared / "models" / "yolox_nano.onnx")
    rows = np.zeros((3549, 85), np.float32)
    rows[:, 4:6] = 1
    rows[0, 2], rows[1, 0], rows[2, 3], rows[3, 4] = 1e4, np.nan, -np.inf, np.nan
    rows[4:, 4] = 0
    boxes, scores = detector._decode(rows)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)
