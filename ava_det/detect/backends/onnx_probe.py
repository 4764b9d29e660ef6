"""Runs an ONNX model once, in a process of its own: what OpenCV makes of damage ends it alone.

`python onnx_probe.py SIDE < model.onnx` prints the shape of the output as JSON, or what is wrong.
"""

import json
import resource
import sys

import cv2
import numpy as np

MEMORY = 4 << 30  # bytes beside eight times the file
SECONDS = 30  # of computing, on one core


def main(side: int, model: bytes) -> None:
    """Run the model on a square of noise."""
    memory = MEMORY + 8 * len(model)
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


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.stdin.buffer.read())
