"""Measures the index of a data set of AVA's shape."""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.measure import peak_memory

HELP = "time and memory of loading an AVA-shaped data set"
SIZES = (("videos", 235), ("keyframes", 897), ("rows", 1_600_000), ("frames", 27030))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command-line arguments."""
    for name, count in SIZES:
        each = "" if name in ("videos", "rows") else " of each video"
        parser.add_argument(f"--{name}", type=int, default=count, help=f"{name}{each}")


def run(args: argparse.Namespace) -> None:
    """Print the time and memory of the parts of a data set's index."""
    from ava_det.data.sets.ava import built_in, load_keyframes
    from ava_det.video.frame_folders import FrameFolder
    from benchmarks.made_ava import write_made_ava

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        written = write_made_ava(root, args.videos, args.keyframes, args.rows, args.frames)
        print(", ".join(f"{path.name} {path.stat().st_size / 1e6:.0f} MB" for path in written))
        files, kept = built_in(root, "v2.2", "train"), []
        assert isinstance(files.pictures, FrameFolder)
        read = files.pictures.videos
        wall, cpu = time.perf_counter(), time.process_time()
        peak = peak_memory(lambda: kept.append((load_keyframes(files), read())))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ((records, lists),) = kept
    count = sum(map(len, lists.values()))
    print(f"{len(records)} keyframes, {len(records.boxes)} people, {len(records.actions)} labels")
    print(f"{count} frames of {len(lists)} videos; {records.nbytes / 1e6:.0f} MB of arrays")
    print(f"{wall:.1f} s ({cpu:.1f} s of CPU), {peak / 1e6:.0f} MB at the peak")
