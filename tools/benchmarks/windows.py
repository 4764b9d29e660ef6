"""Draws windows from random places of long videos."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ava_det.structures import InputError
from ava_det.video.files import video_files
from ava_det.video.video import Video


@dataclass(frozen=True, eq=False)
class Window:
    """Frames of a file: the times for our reader, and the time span for `EncodedVideo`."""

    path: Path
    times: np.ndarray
    start: float
    end: float
    stride: int


def draw_windows(args: argparse.Namespace) -> list[Window]:
    """Draw windows from random places of the longest videos, equally many from each.

    `EncodedVideo` returns the frames between two times in seconds. These times are half-way between
    frames, so that rounding never adds or drops a frame.
    """
    lengths = {}
    for path in files_of(args.paths):
        try:
            with Video(path) as video:
                lengths[path] = video.frame_times
        except InputError:
            if path in args.paths:  # a folder may contain other files
                raise
    longest = sorted(lengths, key=lambda path: -len(lengths[path]))[: args.videos]
    rng, windows = np.random.default_rng(args.seed), []
    for number in range(args.windows):
        path = longest[number % len(longest)]
        times = lengths[path]
        if len(times) < args.frames:
            raise InputError(f"{path}: has {len(times)} frames, fewer than --frames {args.frames}")
        first = int(rng.integers(len(times) - args.frames + 1))
        last = first + args.frames - 1
        middles = (times[1:] + times[:-1]) / 2
        start = middles[first - 1] if first else -1e-3
        end = middles[last] if last < len(middles) else times[-1] + 1
        kept = times[first : last + 1 : args.stride]
        windows.append(Window(path, kept, float(start), float(end), args.stride))
    for path in longest:
        print(f"{path}: {len(lengths[path])} frames, {lengths[path][-1]:.1f} s")
    return windows


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the given files, and the videos of the given folders."""
    found = [video_files(path).values() if path.is_dir() else [path] for path in paths]
    return [path for files in found for path in files]
