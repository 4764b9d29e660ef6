"""Convert annotations of CVAT, VIA 3 and COCO to AVA's csv and class map, and back.

    ava-det convert cvat task1.xml task2.xml --output mine --videos videos
    ava-det convert via project.json --output mine --videos videos --rate 5
    ava-det convert coco instances.json --output mine --videos videos
    ava-det convert to-cvat mine/annotations.csv --output xml --videos videos

Reading writes OUTPUT/annotations.csv, OUTPUT/classes.pbtxt and OUTPUT/data.toml. The path of the
latter is the name of the data set for every command. If the files have the sizes of the annotated
frames, OUTPUT/sizes.csv gets them. A tick is a frame; with VIA, `--rate` ticks are a second.
`--overwrite` replaces existing files.

Read on: docs/custom_data.md, docs/tutorial.md.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ava_det import cli
from ava_det.formats.atomic import atomic_text
from ava_det.formats.ava_csv import read_ground_truth, require_known, write_ground_truth
from ava_det.formats.class_map import read_class_map, write_class_map
from ava_det.formats.errors import naming
from ava_det.formats.frame_sizes import misfit, require_fit, write_sizes
from ava_det.formats.outputs import outputs, require_apart, require_free
from ava_det.formats.tools.choice import ATTRIBUTES, LABEL, Choice
from ava_det.formats.tools.coco import read_coco, write_coco
from ava_det.formats.tools.cvat import read_cvat, write_cvat
from ava_det.formats.tools.joining import idle_tracks, join, left_out_lines, require_chosen
from ava_det.formats.tools.shapes import Annotations, Shape, class_map_of, from_table, to_table
from ava_det.formats.tools.via import read_via, write_via
from ava_det.formats.video_names import VideoNames
from ava_det.structures import FRAME_CLOCK, RATES, Clock, InputError, Keyframe

if TYPE_CHECKING:
    from ava_det.video.files import VideoFolder

READERS, WRITERS = ("cvat", "via", "coco"), ("to-cvat", "to-via", "to-coco")
WRITTEN = {"to-via": ["project.json"], "to-coco": ["instances.json"]}  # to-cvat: a file a video
# The formats that an option is for; other formats refuse the option.
ONLY_FOR = {
    "actions": ("cvat", "coco"),
    "label": ("cvat", "coco"),
    "every": ("cvat", "coco"),
    "no_occluded": ("cvat",),
    "attribute": READERS,
    "video": READERS,
    "stretched": ("cvat", "coco"),
    "person": ("via",),
    "rate": ("via", "to-via"),
    "start": ("cvat", "via", "coco", "to-via"),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description=__doc__)
    add = parser.add_argument
    add(
        "format",
        choices=READERS + WRITERS,
        help="the format to read; to-... writes one from AVA's csv",
    )
    add("inputs", nargs="+", type=Path, metavar="FILE", help="files to convert")
    add("--output", required=True, type=Path, help="folder to write to")
    add("--videos", required=True, type=Path, help="folder of the videos")
    add("--class-map", type=Path, help="class map to use (default: the classes in the files)")
    cli.add_overwrite(parser)
    add = parser.add_argument_group("reading").add_argument
    names: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    add(
        "--actions",
        choices=(ATTRIBUTES, LABEL),
        default=ATTRIBUTES,
        help="whether attributes or labels name the actions",
    )
    add("--label", **names, help="labels or categories that are people (default: person, else all)")
    add(
        "--attribute",
        **names,
        help="attributes that name actions (default: all but numbers and free text)",
    )
    add("--video", **names, help="the video of each FILE, if the file does not name it")
    add(
        "--every",
        type=cli.at_least(1, int),
        default=1,
        metavar="N",
        help="keep one frame in N",
    )
    add("--no-occluded", action="store_true", help="cvat: leave out hidden people")
    add(
        "--stretched",
        action="store_true",
        help="accept frames of another aspect ratio than the video",
    )
    add(
        "--person",
        default="person",
        metavar="NAME",
        help="via: the attribute that tells people apart (default: person)",
    )
    add = parser.add_argument_group("time").add_argument
    add("--rate", type=cli.above_zero(RATES[1]), help="via: ticks a second (default 1)")
    add(
        "--start",
        type=cli.tick,
        help="tick at the beginning of a video, or of its first frame (default 0)",
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Convert to AVA's form or from it."""
    usual = parser()
    for name, formats in ONLY_FOR.items():
        if args.format not in formats and getattr(args, name) != usual.get_default(name):
            option = name.replace("_", "-")
            usual.error(f"--{option} is for {', '.join(formats)}, not {args.format}")
    if args.video and len(args.video) != len(args.inputs):
        usual.error("--video takes a name for each FILE")
    if args.format in WRITTEN:
        require_free([args.output / name for name in WRITTEN[args.format]], args.overwrite)
    if args.format in READERS:
        to_ava(args)
    else:
        from_ava(args)


def read(args: argparse.Namespace, choice: Choice) -> tuple[Annotations, Clock]:
    """The boxes of all files, with the names of the folder's videos, and the clock."""
    from ava_det.video.files import VideoFolder

    folder = VideoFolder(args.videos)
    names = VideoNames(folder.files)
    clock = clock_of(args, Clock(1.0) if args.format == "via" else FRAME_CLOCK)
    parts = []
    for place, path in enumerate(args.inputs):

        def name_of(name: str, place: int = place, path: Path = path) -> str:
            given = args.video[place] if args.video else None
            return names.named("--video", given) if given else names.find(str(path), name)

        with naming(path):
            if args.format == "cvat":
                part = read_cvat(
                    path,
                    choice,
                    not args.no_occluded,
                    clock.start,
                    lambda name: folder.frames(name_of(name)),
                )
            elif args.format == "coco":
                part = read_coco(path, choice, clock.start)
            else:
                part = read_via(
                    path, lambda name: folder.displayed(name_of(name)), clock, args.person, choice
                )
            videos = {shape.video for shape in part.shapes}
            if args.video and len(videos) > 1:
                raise InputError(f"{path}: is of {len(videos)} videos, and --video names one")
            part = part.in_videos(name_of)
            require_shapes(part, folder, args.stretched)
            keyframes = dict.fromkeys((shape.video, shape.tick) for shape in part.shapes)
            folder.require_inside(str(path), (Keyframe(*key) for key in keyframes), clock)
        parts.append((str(path), part))
    return join(parts), clock


def require_shapes(part: Annotations, folder: "VideoFolder", stretched: bool) -> None:
    """Refuse boxes that were drawn on frames of another shape than that of the video."""
    for (video, drawn), where in part.sizes.items():
        shown = [size[::-1] for size in (folder.size(video), folder.displayed(video))]
        if not (stretched and misfit(drawn, shown) == "aspect"):
            require_fit(where, drawn, folder.file(video), shown)


def clock_of(args: argparse.Namespace, default: Clock) -> Clock:
    """The clock that the command line sets, with `default` for the rest."""
    rate = default.rate if args.rate is None else args.rate
    return Clock(rate, default.start if args.start is None else args.start)


def to_ava(args: argparse.Namespace) -> None:
    """Convert files of a tool to a data set in AVA's form."""
    names = "annotations.csv", "classes.pbtxt", "sizes.csv", "data.toml"
    files = [args.output / name for name in names]
    require_free(files, args.overwrite)  # before any work
    choice = Choice(args.actions, tuple(args.label), tuple(args.attribute), args.every)
    found, clock = read(args, choice)
    require_chosen(str(args.inputs[0]), found, choice)
    first = str(args.inputs[0])
    classes = (
        read_class_map(args.class_map) if args.class_map else class_map_of(found.actions, first)
    )
    table = to_table(found.shapes, classes, str(args.inputs[0]))
    # Several sizes of a video have one shape, unless frames were stretched.
    sizes = {} if args.stretched else {video: size for video, size in reversed([*found.sizes])}
    args.output.mkdir(parents=True, exist_ok=True)
    with outputs(*files, overwrite=args.overwrite):
        annotations, class_map, drawn_on, description = files
        write_ground_truth(annotations, table)
        write_class_map(class_map, classes)
        drawn_on.unlink(missing_ok=True)
        if sizes:
            write_sizes(drawn_on, sizes)
        write_description(description, args.videos, clock, bool(sizes))
    unlabelled = sum(not shape.actions for shape in found.shapes)
    print(
        f"{args.output / 'data.toml'}: {len(found.shapes)} boxes on "
        f"{len(table[['video', 'tick']].drop_duplicates())} keyframes, {len(classes)} actions; "
        f"{unlabelled} boxes without one"
    )
    idle, tracks = idle_tracks(found.shapes)
    if idle:
        print(f"people without any action: {idle} of {tracks}")
    for line in left_out_lines(found):
        print(line)


def write_description(path: Path, videos: Path, clock: Clock, sizes: bool) -> None:
    """Write the description of the data set."""
    beside = os.path.relpath(videos.resolve(), path.parent.resolve())
    with atomic_text(path) as file:
        file.write('annotations = "annotations.csv"\nclass_map = "classes.pbtxt"\n')
        file.write(f"videos = {json.dumps(Path(beside).as_posix())}\n")
        if sizes:
            file.write('sizes = "sizes.csv"\n')
        if clock.rate is not None:
            file.write(f"rate = {clock.rate}\n")
        if clock.rate is not None or clock.start:
            file.write(f"start = {clock.start}\n")


def from_ava(args: argparse.Namespace) -> None:
    """Convert AVA's csv to files of a tool."""
    from ava_det.video.files import VideoFolder

    folder = VideoFolder(args.videos)
    if args.class_map is None:
        args.class_map = args.inputs[0].with_name("classes.pbtxt")
    classes = read_class_map(args.class_map)
    names = list(classes.names.values())
    shapes = []
    for path in args.inputs:
        table = read_ground_truth(path)
        require_known(table, classes, path)
        shapes += from_table(table, classes)
    if not shapes:
        raise InputError(f"{args.inputs[0]}: has no box to convert")
    clock = described_clock(args)
    keyframes = [Keyframe(shape.video, shape.tick) for shape in shapes]
    folder.require_inside(str(args.inputs[0]), keyframes, clock)
    by_video: dict[str, list[Shape]] = {}
    for shape in shapes:
        counted = replace(shape, tick=shape.tick - clock.start)
        by_video.setdefault(shape.video, []).append(counted)
    written = WRITTEN.get(args.format, [f"{video}.xml" for video in by_video])
    files = [args.output / name for name in written]
    require_apart(files, args.inputs)
    require_free(files, args.overwrite)
    for path in files:  # a video's name may have folders in it
        path.parent.mkdir(parents=True, exist_ok=True)
    with outputs(*files, overwrite=args.overwrite):
        if args.format == "to-via":
            write_via(files[0], shapes, names, folder.displayed, clock)
        elif args.format == "to-coco":
            write_coco(files[0], shapes, names, folder.size)
        else:
            for path, (video, part) in zip(files, by_video.items(), strict=True):
                write_cvat(path, part, names, folder.frames(video), *folder.size(video))
    print(f"{args.output}: {len(shapes)} boxes")


def described_clock(args: argparse.Namespace) -> Clock:
    """The clock of the first file, from the data.toml in its folder."""
    from ava_det.data.sets.description import read_description

    beside = args.inputs[0].with_name("data.toml")
    described = read_description(beside).clock if beside.is_file() else FRAME_CLOCK
    clock = clock_of(args, described)
    if args.format == "to-via" and clock.rate is None:
        raise InputError("to-via: VIA counts in seconds; --rate says how many ticks are one")
    if args.format != "to-via" and clock.rate is not None:
        raise InputError(f"{beside}: {clock.rate:g} ticks are a second; {args.format} has frames")
    return clock
