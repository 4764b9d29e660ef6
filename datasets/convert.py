"""Annotations of CVAT, VIA 3 and COCO to AVA's csv and class map, and back.

    python datasets/convert.py cvat task1.xml task2.xml --output mine --videos videos
    python datasets/convert.py via project.json --output mine --videos videos --rate 5
    python datasets/convert.py coco instances.json --output mine --videos videos
    python datasets/convert.py to-cvat mine/annotations.csv --output xml --videos videos

Reading writes OUTPUT/annotations.csv, OUTPUT/classes.pbtxt and OUTPUT/data.toml, whose path is the
name of the data set for every tool. A tick is a frame; with VIA, `--rate` of them are a second.
"""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

from ava_det import cli
from ava_det.formats.atomic import atomic_text
from ava_det.formats.ava_csv import read_ground_truth, require_known, write_ground_truth
from ava_det.formats.class_map import read_class_map, write_class_map
from ava_det.formats.coco import read_coco, write_coco
from ava_det.formats.cvat import read_cvat, write_cvat
from ava_det.formats.shapes import (
    ATTRIBUTES,
    LABEL,
    Annotations,
    class_map_of,
    from_table,
    to_table,
)
from ava_det.formats.via import read_via, write_via
from ava_det.structures import Clock, InputError

READERS, WRITERS = ("cvat", "via", "coco"), ("to-cvat", "to-via", "to-coco")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Convert annotations to AVA's csv, and back.")
    parser.add_argument("format", choices=READERS + WRITERS, help="to-... is the way back")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--output", required=True, type=Path, help="folder")
    parser.add_argument("--videos", required=True, type=Path, help="folder of the videos")
    parser.add_argument(
        "--class-map", type=Path, help="classes that there are (default: those in the files)"
    )
    reading = parser.add_argument_group("cvat and coco")
    reading.add_argument("--every", type=int, default=1, metavar="N", help="keep a frame in N")
    reading.add_argument(
        "--actions", choices=(ATTRIBUTES, LABEL), default=ATTRIBUTES, help="where actions stand"
    )
    reading.add_argument("--no-occluded", action="store_true", help="cvat: without hidden people")
    via = parser.add_argument_group("via")
    via.add_argument("--rate", type=float, default=1.0, help="ticks a second (default 1)")
    via.add_argument("--start", type=int, default=0, help="tick at the beginning (default 0)")
    via.add_argument("--person", default="person", metavar="NAME", help="attribute of track ids")
    return parser


def main(args: argparse.Namespace) -> None:
    """Convert one way or the other."""
    if args.every < 1 or not 0 < args.rate < float("inf"):
        raise InputError("--every is at least 1, and --rate above 0")
    if args.format in READERS:
        to_ava(args)
    else:
        from_ava(args)


def size_in(folder: Path) -> Callable[[str], tuple[int, int]]:
    """(height, width) of a video of a folder by its name."""
    from ava_det.data.video import VideoReader
    from ava_det.data.video_files import video_files

    files, reader = video_files(folder), VideoReader()

    def size_of(video: str) -> tuple[int, int]:
        if video not in files:
            raise InputError(f"{folder}: has no video {video!r}")
        return reader.size(files[video])

    return size_of


def read(args: argparse.Namespace, path: Path) -> Annotations:
    """The boxes of one file."""
    if args.format == "cvat":
        return read_cvat(path, args.every, args.actions, not args.no_occluded)
    if args.format == "coco":
        return read_coco(path, args.every, args.actions)
    clock = Clock(args.rate, args.start)
    return read_via(path, size_in(args.videos), clock, args.person)


def to_ava(args: argparse.Namespace) -> None:
    """Files of a tool to a data set in AVA's form."""
    parts = [read(args, path) for path in args.inputs]
    shapes = [shape for part in parts for shape in part.shapes]
    if not shapes:
        raise InputError(f"{args.inputs[0]}: has no box to convert")
    names = [name for part in parts for name in part.actions]
    if not names:
        raise InputError(f"{args.inputs[0]}: names no action; see --actions")
    classes = read_class_map(args.class_map) if args.class_map else class_map_of(names)
    table = to_table(shapes, classes, str(args.inputs[0]))
    args.output.mkdir(parents=True, exist_ok=True)
    write_ground_truth(args.output / "annotations.csv", table)
    write_class_map(args.output / "classes.pbtxt", classes)
    videos = os.path.relpath(args.videos.resolve(), args.output.resolve())
    with atomic_text(args.output / "data.toml") as file:
        file.write('annotations = "annotations.csv"\nclass_map = "classes.pbtxt"\n')
        file.write(f"videos = {json.dumps(Path(videos).as_posix())}\n")
        if args.format == "via":
            file.write(f"rate = {args.rate}\nstart = {args.start}\n")
    unlabelled = sum(not shape.actions for shape in shapes)
    print(
        f"{args.output / 'data.toml'}: {len(shapes)} boxes on "
        f"{len(table[['video', 'tick']].drop_duplicates())} keyframes, {len(classes)} actions; "
        f"{unlabelled} boxes without one"
    )


def from_ava(args: argparse.Namespace) -> None:
    """AVA's csv to files of a tool."""
    if args.class_map is None:
        args.class_map = args.inputs[0].with_name("classes.pbtxt")
    classes = read_class_map(args.class_map)
    names = list(classes.names.values())
    size_of = size_in(args.videos)
    shapes = []
    for path in args.inputs:
        table = read_ground_truth(path)
        require_known(table, classes, path)
        shapes += from_table(table, classes)
    if not shapes:
        raise InputError(f"{args.inputs[0]}: has no box to convert")
    args.output.mkdir(parents=True, exist_ok=True)
    if args.format == "to-via":
        clock = Clock(args.rate, args.start)
        write_via(args.output / "project.json", shapes, names, size_of, clock)
    elif args.format == "to-coco":
        write_coco(args.output / "instances.json", shapes, names, size_of)
    else:
        for video in dict.fromkeys(shape.video for shape in shapes):
            part = [shape for shape in shapes if shape.video == video]
            frames = frames_of(args.videos, video)
            path = args.output / f"{video}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_cvat(path, part, names, frames, *size_of(video))
    print(f"{args.output}: {len(shapes)} boxes")


def frames_of(folder: Path, video: str) -> int:
    """How many frames a video of a folder has."""
    from ava_det.data.video import VideoReader
    from ava_det.data.video_files import video_files

    return len(VideoReader().times(video_files(folder)[video]))


if __name__ == "__main__":
    cli.run(parser(), main)
