"""Compares person detectors on the same frames."""

import argparse
import functools
import statistics
from pathlib import Path

from ava_det import cli
from ava_det.weights.shipped import person_weights
from benchmarks.measure import in_turns

HELP = "time per frame of several person detectors"
WARM_UP = 2  # frames that do not count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("video", type=Path)
    parser.add_argument(
        "--weights", type=person_weights, nargs="+", required=True, help="files, or `light`"
    )
    add, some, size = parser.add_argument, cli.at_least(1, int), cli.person_size
    add("--person-size", type=size, metavar="PIXELS", help="short side (as trained)")
    add("--frames", type=some, default=25, help="frames of the video")


def run(args: argparse.Namespace) -> None:
    """Print the time per decoded frame of each detector. The detectors take turns."""
    import cv2
    import numpy as np
    import torch

    from ava_det.detect.load import load_persons
    from ava_det.video.video import VideoReader

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    detectors = [load_persons(path, short_side=args.person_size) for path in args.weights]
    reader = VideoReader()
    times = reader.times(args.video)
    spread = np.linspace(0, len(times) - 1, args.frames + WARM_UP).astype(int)
    frames = reader.frames(args.video, times[spread])
    costs = in_turns(
        [functools.partial(d.people, frames[k : k + 1]) for d in detectors]
        for k in range(len(frames))
    )
    size = f"{frames.shape[2]} x {frames.shape[1]}"
    print(f"{args.video}: {args.frames} frames of {size}, one core, medians, in turns")
    for path, cost in zip(args.weights, costs, strict=True):
        pairs = list(zip(cost, costs[0], strict=True))[WARM_UP:]
        middle = statistics.median(mine for mine, _ in pairs)
        ratio = statistics.median(mine / first for mine, first in pairs)
        print(f"{path.name:28} {1e3 * middle:6.1f} ms, {1 / middle:5.0f} a second, {ratio:.2f}")
