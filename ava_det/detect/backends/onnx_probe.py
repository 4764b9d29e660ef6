"""Runs an ONNX model once in a separate process, so that a damaged model can crash only that one.

`python onnx_probe.py SIDE < model.onnx` prints the output shape, or an error, as JSON.
"""

import json
import resource
import sys
from pathlib import Path

import cv2
import numpy as np

MEMORY = 3 << 29  # bytes that a run may take: the process that detects needs as much again
SECONDS = 30  # allowed CPU time on one core


def main(side: int, model: bytes) -> None:
    """Run the model on a square of noise."""
    memory = _reserved() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cv2.setNumThreads(1)
    noise = np.random.default_rng(0).integers(256, size=(1, 3, side, side)).astype(np.float32)
    try:
        net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        net.setInput(noise)
        answer = {"shape": net.forward().shape}
    except (cv2.error, MemoryError) as error:
        answer = {"error": str(error) or "out of memory"}
    print(json.dumps(answer))


def _reserved() -> int:
    """Return the bytes of address space that this process has, most of them libraries."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # not Linux
        return 1 << 30
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.stdin.buffer.read())
