"""A YOLOX in an ONNX file as a person detector."""

from pathlib import Path

import numpy as np
import pytest
import torch
from made_onnx import message, value_info, yolox
from torchvision.ops import nms

from ava_det.boxes import iou
from ava_det.detect.backends import onnx_probe
from ava_det.detect.load import load_persons
from ava_det.detect.yolox import YoloxDetector
from ava_det.structures import InputError
from ava_det.video.video import VideoReader

SQUARE = message((7, message((11, value_info(b"x", 1, 3, 64, 64)))))  # and nothing that runs

holds = pytest.mark.holds("13.9 ONNX: a damaged file is one line, no crash")


def test_rows_of_cells_become_boxes(shared):
    detector = YoloxDetector(shared / "models" / "yolox_nano.onnx")
    rows = np.zeros((3549, 85), np.float32)
    cell = 52 * 52 + 3 * 26 + 5  # stride 16, row 3, column 5
    rows[cell] = [0.5, 0.25, np.log(2), np.log(4), 0.8, 0.5, *[0] * 79]
    rows[cell + 1] = [-0.5, 0.25, np.log(2), np.log(4), 0.8, 0.4, *[0] * 79]  # the same box
    rows[cell + 2] = [0.5, 0.25, np.log(2), np.log(4), 0.8, 0, 1, *[0] * 78]  # no person
    boxes, scores = detector.decode_rows(rows)
    np.testing.assert_allclose(boxes, [[88 - 16, 52 - 32, 88 + 16, 52 + 32]], rtol=1e-6)
    np.testing.assert_allclose(scores, [0.4], rtol=1e-6)


def test_it_finds_the_actor_of_a_real_clip(shared):
    path = next((shared / "data" / "jhmdb" / "videos" / "golf").glob("*.mp4"))
    frames = VideoReader().frames(path, np.zeros(1))
    detector = load_persons(shared / "models" / "yolox_nano.onnx")
    (people,) = detector.people(frames)
    (squeezed,) = detector.people(frames[:, ::2, ::2])
    assert people.scores[0] > 0.5
    assert (np.diff(people.scores) <= 0).all()
    assert iou(people.boxes[:1], squeezed.boxes[:1])[0, 0] > 0.7  # relative: at any size


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"ONNX?", "not an ONNX file that can be used: "),
        (SQUARE, r"OpenCV cannot run it \("),
        (b"\x08\x08\x3a\x00", r"takes \(\), not square pictures of a fixed size"),
        (yolox(0, np.zeros((1, 84, 85))), r"takes \(1, 3, 0, 0\), not square"),
        (yolox(1 << 20, np.zeros((1, 84, 85))), r"takes \(1, 3, 1048576, 1048576\), not square"),
        (
            yolox(96, np.zeros((1, 84, 85))),
            r"gives \(1, 84, 85\), not the output of a COCO YOLOX at 96",
        ),
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
    with pytest.raises(
        InputError, match=r"gives \(1, 2704, 80\), not the output of a COCO YOLOX at 416"
    ):
        YoloxDetector(shared / "models" / "picodet_s_416_coco.onnx")


@holds
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "it crashes: the file is damaged"),
        ("os.abort()", "it crashes: the file is damaged"),
        ("sys.exit('first\\nlast')", r"OpenCV cannot run it \(last\)"),
        (
            "os.kill(os.getpid(), signal.SIGXCPU)",
            "it takes more than 30 s or 1,610,612,736 bytes of memory",
        ),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "it takes more than 30 s or 1,610,612,736 bytes of memory",
        ),
        ('print(\'{"error": "a\\\\nb"}\')', r"OpenCV cannot run it \(a b\)"),
    ],
)
def test_a_crash_of_opencv_is_one_line(tmp_path, monkeypatch, code, words):
    """The process that tries a model ends in each of the ways that damaged ones end it."""
    script = tmp_path / "probe.py"
    script.write_text(f"import os, signal, sys\nsys.stdin.buffer.read()\n{code}\n")
    monkeypatch.setattr(onnx_probe, "__file__", str(script))
    (tmp_path / "a.onnx").write_bytes(SQUARE)
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


@pytest.mark.holds("13.9 ONNX: a small file may ask for little memory only")
def test_a_small_model_that_asks_for_much_memory_is_refused_before_it_runs(tmp_path):
    """The layer of 1000 channels takes 1.6 GB, and the file 30 kB more than without it."""
    small, large = tmp_path / "small.onnx", tmp_path / "large.onnx"
    rows = np.zeros((1, 8400, 85))
    small.write_bytes(yolox(640, rows, channels=8))
    large.write_bytes(yolox(640, rows, channels=1000))
    assert YoloxDetector(small).side == 640
    with pytest.raises(InputError, match=r"large\.onnx: OpenCV cannot run it") as caught:
        YoloxDetector(large)
    assert "\n" not in str(caught.value)


@holds
def test_numbers_that_are_no_boxes_are_nobody(shared):
    detector = YoloxDetector(shared / "models" / "yolox_nano.onnx")
    rows = np.zeros((3549, 85), np.float32)
    rows[:, 4:6] = 1
    rows[0, 2], rows[1, 0], rows[2, 3], rows[3, 4] = 1e4, np.nan, -np.inf, np.nan
    rows[4:, 4] = 0
    boxes, scores = detector.decode_rows(rows)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


def test_the_size_of_its_input_is_that_of_the_file(tmp_path):
    rows = np.zeros((1, 84, 85))
    rows[0, 64 + 5, :6] = 0.5, 0.25, 0, 0, 0.8, 0.5  # stride 16, row 1, column 1 of 64 pixels
    (tmp_path / "small.onnx").write_bytes(yolox(64, rows))
    detector = YoloxDetector(tmp_path / "small.onnx")
    for people in detector.people(np.zeros((2, 48, 64, 3), np.uint8)):
        np.testing.assert_allclose(people.boxes, [[16 / 64, 12 / 48, 32 / 64, 28 / 48]])
        np.testing.assert_allclose(people.scores, [0.4], rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_overlapping_boxes_go_as_torchvision_has_it(tmp_path, seed):
    rng = np.random.default_rng(seed)
    rows = np.zeros((84, 85), np.float32)
    rows[:, :4] = rng.uniform((-1, -1, 1, 1), 2, (84, 4))
    rows[:, 4:6] = rng.uniform(0.1, 1, (84, 2))
    (tmp_path / "small.onnx").write_bytes(yolox(64, rows[None]))
    detector = YoloxDetector(tmp_path / "small.onnx")
    alone = YoloxDetector(tmp_path / "small.onnx", overlap=1.0)
    boxes, scores = alone.decode_rows(rows)
    assert len(boxes) > 70
    kept = nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5).numpy()
    assert 10 < len(kept) < 60
    found, sure = detector.decode_rows(rows)
    np.testing.assert_allclose(found, boxes[kept])
    np.testing.assert_allclose(sure, scores[kept])
