"""Detects people with a COCO YOLOX in an ONNX file: a teacher, or a replacement for our detector.

OpenCV runs the model on the CPU. A separate process runs the model first, so that a damaged file
can crash that process only. The model must be the official export: the input is a square BGR
picture of 0..255, padded with grey below and on the right. The output has one row per cell: (x, y,
log w, log h, objectness, classes).
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from ava_det.boxes import clip_relative, to_relative
from ava_det.detect.backends import onnx_probe
from ava_det.detect.protocols import Frame, People
from ava_det.formats.onnx_file import input_shape, read_onnx
from ava_det.structures import InputError

STRIDES = (8, 16, 32)
PERSON, COCO_CLASSES = 0, 80
YOLOX_PADDING = 114  # the grey that YOLOX pads training pictures with
MOST_SIDE = 2048  # pixels of a model's input; official models have 416 to 640
_MOST_LOG = 50.0  # limit of cell offsets and log sizes; real boxes are far below, exp stays finite


class YoloxDetector:
    """A `PersonFinder` that runs a YOLOX.

    Args:
        path: The ONNX file. The model input sets the size of the square picture.
        least_score: The lowest score of a person (objectness times class score).
        overlap: The IoU above which the box with the lower score is dropped.

    Raises:
        InputError: The file cannot be read, refers to other files, or is not a COCO YOLOX.
    """

    def __init__(self, path: Path, least_score: float = 0.05, overlap: float = 0.5):
        model = read_onnx(path)
        side = _side(path, model)
        shape = _probe(path, model, side)
        self.cells = _cells(side)
        if shape != (1, len(self.cells), 5 + COCO_CLASSES):
            raise InputError(
                f"{path}: gives {shape}, not the output of a COCO YOLOX at {side} pixels"
            )
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self.net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        cv2.utils.logging.setLogLevel(level)
        self.side, self.least_score, self.overlap = side, least_score, overlap

    def people(self, frames: np.ndarray) -> list[People]:
        """See `PersonFinder.people`."""
        return [self._people(frame) for frame in frames]

    def _people(self, frame: Frame) -> People:
        height, width = frame.shape[:2]
        scale = self.side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = np.full((self.side, self.side, 3), YOLOX_PADDING, np.uint8)
        square[: size[1], : size[0]] = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
        blob = square[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        self.net.setInput(np.ascontiguousarray(blob))
        boxes, scores = self.decode_rows(self.net.forward()[0])
        return People(clip_relative(to_relative(boxes, size[1], size[0])), scores)

    def decode_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes (R, 4), in pixels of the square, and scores (R,) of rows (cells, 85)."""
        scores = rows[:, 4] * rows[:, 5 + PERSON]
        sure = (scores >= self.least_score) & (np.abs(rows[:, :4]) < _MOST_LOG).all(axis=1)
        rows, scores, cells = rows[sure], scores[sure], self.cells[sure]
        stride = cells[:, 2:]
        centre, half = (rows[:, :2] + cells[:, :2]) * stride, np.exp(rows[:, 2:4]) * stride / 2
        corners = np.concatenate([centre - half, 2 * half], axis=1).astype(np.float64)
        kept = np.asarray(cv2.dnn.NMSBoxes(corners, scores, 0.0, self.overlap), np.int64)  # type: ignore[arg-type]
        boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float64)
        return boxes[kept], scores[kept].astype(np.float64)


def _side(path: Path, model: bytes) -> int:
    """Return the side in pixels of a model's square input.

    Raises:
        InputError: The model takes another kind of input.
    """
    shape = input_shape(path, model)
    if len(shape) != 4 or shape[2] != shape[3] or not 0 < shape[2] <= MOST_SIDE:
        raise InputError(f"{path}: takes {shape}, not square pictures of a fixed size")
    return shape[2]


def _probe(path: Path, model: bytes, side: int) -> tuple[int, ...]:
    """Return the output shape of a model, measured in a separate process that may crash.

    Raises:
        InputError: The model cannot be run.
    """
    # -P: the modules beside the script must not shadow modules that a library imports.
    command = [sys.executable, "-P", onnx_probe.__file__, str(side)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # threads reserve memory
    done = subprocess.run(command, input=model, capture_output=True, env=os.environ | one_thread)
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        limit = f"more than {onnx_probe.SECONDS} s or {onnx_probe.MEMORY:,} bytes of memory"
        raise InputError(f"{path}: OpenCV cannot run it (it takes {limit})")
    if done.returncode < 0:
        raise InputError(f"{path}: OpenCV cannot run it (it crashes: the file is damaged)")
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise InputError(f"{path}: OpenCV cannot run it ({last:.300})")
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        words = " ".join(answer["error"].split())
        raise InputError(f"{path}: OpenCV cannot run it ({words:.300})")
    return tuple(answer["shape"])


def _cells(side: int) -> np.ndarray:
    """Return the column, row and stride of each output row, (cells, 3) float32."""
    grids = []
    for stride in STRIDES:
        rows, columns = np.mgrid[: side // stride, : side // stride].reshape(2, -1)
        grids.append(np.stack([columns, rows, np.full_like(rows, stride)], axis=1))
    return np.concatenate(grids).astype(np.float32)
