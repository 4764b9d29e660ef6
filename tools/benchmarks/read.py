"""Compares our video reader with PyTorchVideo's `EncodedVideo`."""

import argparse
import functools
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ava_det import cli
from ava_det.structures import InputError
from benchmarks.measure import in_turns

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.windows import Window

HELP = "clips per second of our reader and of PyTorchVideo's EncodedVideo"

Reader = Callable[["Window"], Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    parser.add_argument("paths", nargs="+", type=Path, help="video files or folders of them")
    some = cli.at_least(1, int)
    parser.add_argument("--videos", type=some, default=4, help="the N longest videos")
    parser.add_argument("--windows", type=some, default=40, help="windows in total")
    parser.add_argument("--frames", type=some, default=64, help="frames per window")
    parser.add_argument("--stride", type=some, default=1, help="keep every Nth frame")
    parser.add_argument("--seed", type=int, default=0, help="seed of the window places")


def run(args: argparse.Namespace) -> None:
    """Compare the frames of each window, then the reading time in seconds of one core."""
    import torch

    from benchmarks.windows import draw_windows

    torch.set_num_threads(1)
    windows = draw_windows(args)
    differences = compared(windows)
    if len(differences) < len(windows):
        print(f"{len(windows) - len(differences)} windows left out: damaged, our reader says")
    if not differences:
        raise InputError("no window can be read")
    windows = list(differences)
    print_differences(list(differences.values()))
    kept = f", of which 1 in {args.stride} is kept" if args.stride > 1 else ""
    print(f"{len(windows)} windows of {args.frames} frames{kept}; medians, one core, in turns")
    print("EncodedVideo(decoder='pyav', decode_audio=False) as installed, without a shim")
    ways = {"opened for each window": [read_by_video, read_by_encoded_video]}
    for how, readers in (ways | {"kept open": kept_open(windows)}).items():
        ours, theirs = in_turns([functools.partial(r, w) for r in readers] for w in windows)
        ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
        rates = [1 / statistics.median(times) for times in (ours, theirs)]
        print(f"{how}: ours {rates[0]:.2f} clips/s, EncodedVideo {rates[1]:.2f}; ", end="")
        print(f"of the same window {ratio:.2f} times as fast", flush=True)


def compared(windows: "Sequence[Window]") -> "dict[Window, float | None]":
    """Return the difference of the readers on each window that our reader can read."""
    differences = {}
    for window in windows:
        try:
            ours = read_by_video(window)
        except InputError:
            continue
        differences[window] = difference(ours, read_by_encoded_video(window))
    return differences


def difference(ours: "np.ndarray", theirs: Any) -> float | None:
    """Return the largest pixel difference of a window, 0 to 255; None for different shapes.

    Args:
        ours: (T, H, W, 3) uint8.
        theirs: (3, T, H, W) float32, or None.
    """
    import numpy as np

    if theirs is None or tuple(theirs.permute(1, 2, 3, 0).shape) != ours.shape:
        return None
    return float(np.abs(theirs.permute(1, 2, 3, 0).numpy() - ours).max())


def print_differences(differences: Sequence[float | None]) -> None:
    """Print how well the two readers agree."""
    alike = [value for value in differences if value is not None]
    print(
        f"{len(alike)} of {len(differences)} windows have as many frames of one size; "
        f"their largest difference is {max(alike, default=0):g} of 255 "
        f"({sum(value == 0 for value in alike)} are equal)"
    )


def read_by_video(window: "Window") -> "np.ndarray":
    """Open a file and read a window with our reader."""
    from ava_det.video.video import Video

    with Video(window.path) as video:
        return video.frames(window.times)


def read_by_encoded_video(window: "Window") -> Any:
    """Open a file and read a window with PyTorchVideo."""
    video = encoded_video(window.path)
    try:
        return clip_of(video, window)
    finally:
        video.close()


def encoded_video(path: Path) -> Any:
    """Open a file with PyTorchVideo."""
    from pytorchvideo.data.encoded_video import EncodedVideo

    return EncodedVideo.from_path(str(path), decode_audio=False, decoder="pyav")


def clip_of(video: Any, window: "Window") -> Any:
    """Return a window as (3, T, H, W) float32; None if PyTorchVideo finds no frame."""
    frames = video.get_clip(window.start, window.end)["video"]
    return None if frames is None else frames[:, :: window.stride]


def kept_open(windows: "Sequence[Window]") -> list[Reader]:
    """Return both readers with all files open."""
    from ava_det.video.video import Video

    ours = {window.path: Video(window.path) for window in windows}
    theirs = {window.path: encoded_video(window.path) for window in windows}
    return [
        lambda window: ours[window.path].frames(window.times),
        lambda window: clip_of(theirs[window.path], window),
    ]
