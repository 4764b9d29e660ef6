"""What finding people costs: person detectors on the same frames of a video, turn by turn.

    python tools/benchmark_persons.py VIDEO --weights light yolox_nano.onnx

Milliseconds of one core for a frame that is decoded already, medians; the ratio is to the first
detector, a median over the frames. Processor time is counted, so that other programs disturb less.
"""

import argparse
import statistics
import time
from pathlib import Path

from ava_det import cli
from ava_det.detect.shipped import person_weights

WARM_UP = 2  # frames that do not count


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="What finding people costs, a frame on one core.")
    parser.add_argument("video", type=Path)
    parser.add_argument("--weights", type=person_weights, nargs="+", required=True)
    parser.add_argument("--person-size", type=int, metavar="PIXELS", help="short side (as trained)")
    parser.add_argument("--frames", type=int, default=25, help="spread over the video")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure and print a line a detector."""
    import cv2
    import numpy as np
    import torch

    from ava_det.data.video import VideoReader
    from ava_det.detect.persons import load_persons
    from ava_det.structures import Keyframe

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    detectors = [load_persons(path, short_side=args.person_size) for path in args.weights]
    reader = VideoReader()
    times = reader.times(args.video)
    spread = np.linspace(0, len(times) - 1, args.frames + WARM_UP).astype(int)
    frames = reader.frames(args.video, times[spread])
    costs: list[list[float]] = [[] for _ in detectors]
    for number in range(len(frames)):
        for detector, cost in zip(detectors, costs, strict=True):
            start = time.process_time()
            detector.people([Keyframe("", number)], frames[number : number + 1])
            cost.append(time.process_time() - start)
    print(f"{args.video}: {frames.shape[2]} x {frames.shape[1]}, {args.frames} frames")
    for path, cost in zip(args.weights, costs, strict=True):
        pairs = list(zip(cost, costs[0], strict=True))[WARM_UP:]
        middle = statistics.median(mine for mine, _ in pairs)
        ratio = statistics.median(mine / first for mine, first in pairs)
        print(f"{path.name:28} {1e3 * middle:6.1f} ms, {1 / middle:5.0f} a second, {ratio:.2f}")


if __name__ == "__main__":
    cli.run(parser(), main)
