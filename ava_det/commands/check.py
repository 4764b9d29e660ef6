"""Find what is wrong with a data set before a run does.

    ava-det check --dataset ava_v2.2_val --proposals boxes.pkl
    ava-det check --dataset mine/data.toml
    ava-det check --annotations train.csv --videos videos/ --class-map classes.pbtxt \\
        --ticks seconds --start 0
    ava-det check --annotations train.csv --class-map classes.pbtxt

The command looks at the rows of the annotations (columns, numbers, boxes, ids, keyframes), at the
videos or frames (missing, broken, short, of another rate or shape) and at person boxes. Without
videos or frames, it checks the rows alone. It counts each kind of finding, and shows the first rows
and a remedy. The recall of person boxes counts the
people that a loader keeps, without excluded keyframes and missing videos. The exit code is 1 after
an error, and 0 after warnings alone.

Read on: docs/custom_data.md, datasets/README.md.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ava_det import cli
from ava_det.structures import AVA_CLOCK, FRAME_CLOCK, Clock, InputError

if TYPE_CHECKING:
    import pandas as pd

    from ava_det.data.check.findings import Findings
    from ava_det.data.check.rows import Checked
    from ava_det.data.sets.ava import AvaFiles

# Options that a named set fixes, and the keys that set them in a description.
SET_BY_THE_DATASET = {
    "class_map": "class_map",
    "exclude": "excluded",
    "include": "included",
    "frames": "frames",
    "frame_list": "frame_lists",
    "ticks": "rate",
    "start": "start",
}
OF_THE_PICTURES = ("ticks", "start", "rate", "sizes")  # options that need pictures
HARDLY = 0.1  # a lower recall at IoU 0.5 means that the boxes are for something else


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--dataset", metavar="NAME", help="a known data set, or the path of a description"
    )
    what.add_argument(
        "--annotations", type=Path, metavar="CSV", help="AVA rows of a set of your own"
    )
    add = parser.add_argument
    videos = (
        "folder of the videos; with a set of frames, the videos that the frames were taken from"
    )
    add("--videos", type=Path, help=videos)
    add("--frames", type=Path, help="folder of JPEG frames, with --frame-list")
    add("--frame-list", type=Path, nargs="+", help="PySlowFast's lists of frames")
    add("--class-map", type=Path, help="list of classes: pbtxt or csv")
    add("--exclude", type=Path, metavar="CSV", help="keyframes that do not count")
    add("--include", type=Path, metavar="TXT", help="ticks that count (default: all)")
    add("--proposals", type=Path, help="person boxes: csv or pickle")
    add(
        "--ticks",
        type=clock,
        metavar="seconds|frames|RATE",
        help="unit of a tick (default: seconds)",
    )
    add(
        "--start", type=cli.tick, help="tick at the start of a file (default: 900, or 0 for frames)"
    )
    rate = "frames a second that videos should have (default: any), or that the "
    rate += "frames of --frame-list have (default: 30)"
    add("--rate", type=cli.above_zero(), help=rate)
    add("--sizes", type=Path, metavar="CSV", help="video,width,height that boxes were drawn on")
    shown = "number of rows to show of each kind"
    add("--rows", type=cli.at_least(1, int), default=5, help=shown)
    add("--json", type=Path, help="also write the findings to this file")
    return parser


def clock(text: str) -> Clock:
    """Parse `--ticks`."""
    named = {"seconds": AVA_CLOCK, "frames": FRAME_CLOCK}
    if text in named:
        return named[text]
    try:
        return replace(AVA_CLOCK, rate=cli.above_zero()(text))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"{text}: must be seconds, frames or a number of ticks per second"
        ) from None


def require_sense(args: argparse.Namespace) -> None:
    """Refuse options that would have no effect, and options that need another option."""
    if args.dataset:
        given = [name for name in SET_BY_THE_DATASET if getattr(args, name) is not None]
        if given:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            keys = ", ".join(SET_BY_THE_DATASET[name] for name in given)
            parser().error(
                f"{options}: not with --dataset, which fixes this (a description by {keys})"
            )
        if args.videos and not is_frames(args.dataset):
            parser().error(
                "--videos: with --dataset only for a set of frames, to compare the frames with"
            )
    elif args.frame_list and not args.frames:
        parser().error("--frame-list needs --frames, the folder of the frames")
    elif args.frames and not args.frame_list:
        parser().error("--frames needs --frame-list, which names the videos of the frames")
    elif not has_pictures(args):
        given = [f"--{name}" for name in OF_THE_PICTURES if getattr(args, name) is not None]
        if given:
            parser().error(f"{', '.join(given)}: needs --videos or --frame-list")


def has_pictures(args: argparse.Namespace) -> bool:
    """Return whether the options name pictures to check; without them the rows are checked."""
    return bool(args.dataset or args.videos or args.frames)


def is_frames(name: str) -> bool:
    """Return whether the pictures of a registered set are frames."""
    from ava_det.data.sets.catalog import get_dataset

    return bool(get_dataset(name).frame_folders)


def main(args: argparse.Namespace) -> int:
    """Check the data set, print and write the findings; return 1 after an error."""
    from ava_det.data.check.findings import ERROR, Findings
    from ava_det.data.check.proposals import check_proposals
    from ava_det.formats.outputs import outputs, require_apart
    from ava_det.formats.proposals import read_proposals

    require_sense(args)
    written = [args.json] if args.json else []
    read = args.annotations, args.class_map, args.exclude, args.include, args.proposals, args.sizes
    require_apart(written, read)
    findings = Findings(args.rows)
    table, counts = checked(args, findings)
    print(f"{len(table)} rows of {table['video'].nunique()} videos")
    if not has_pictures(args):
        print("only the rows are checked; --videos or --frame-list checks the pictures too")
    if args.proposals:
        try:
            proposals = read_proposals(args.proposals)
        except InputError as error:
            findings.add("unreadable", args.proposals, str(error))
        else:
            check_proposals(args.proposals, proposals, table, counts, findings)
            show_recall(args.proposals, table[counts], proposals, findings)
    print(findings.text())
    with outputs(*written, overwrite=True):
        for path in written:
            findings.write_json(path)
    return cli.FAILED if findings.count(ERROR) else 0


def checked(args: argparse.Namespace, findings: "Findings") -> "Checked":
    """Check the rows, and the pictures if the options name any."""
    from ava_det.data.check.rows import check_annotations
    from ava_det.data.sets.exclusions import existing
    from ava_det.formats.class_map import read_class_map
    from ava_det.formats.frame_sizes import read_sizes

    if not has_pictures(args):
        classes = read_class_map(existing(args.class_map)) if args.class_map else None
        return check_annotations(args.annotations, findings, classes, args.exclude, args.include)

    from ava_det.data.check.dataset import Expected, check_files, check_registered

    sizes = read_sizes(args.sizes) if args.sizes else {}
    expected = Expected(None if args.frame_list else args.rate, sizes, args.videos)
    if args.dataset:
        return check_registered(args.dataset, expected, findings)
    return check_files(files_of(args), expected, findings)


def files_of(args: argparse.Namespace) -> "AvaFiles":
    """Return the files that the options name."""
    from ava_det.data.sets.ava import AvaFiles
    from ava_det.video.files import video_files
    from ava_det.video.frame_folders import FrameFolder

    ticks = args.ticks or AVA_CLOCK
    pictures: Path | FrameFolder = args.videos
    if args.frame_list:
        pictures = FrameFolder(args.frames, tuple(args.frame_list), args.rate or 30.0)
    return AvaFiles(
        annotations=args.annotations,
        class_map=args.class_map or Path(),
        pictures=pictures,
        clock=ticks if args.start is None else replace(ticks, start=args.start),
        excluded=args.exclude,
        included=args.include,
        find=video_files,  # finds videos as a description does
    )


def show_recall(
    path: Path, table: "pd.DataFrame", proposals: "pd.DataFrame", findings: "Findings"
) -> None:
    """Print how many of the annotated people the proposals cover."""
    from ava_det.evaluation.proposal_recall import proposal_recall

    if not table["x1"].notna().any():
        return
    recall = proposal_recall(table, proposals)
    print(recall.table().to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    if recall.boxes[0] and recall.recall[0, 0] < HARDLY:
        share = 100 * recall.recall[0, 0]
        findings.add("no_overlap", path, f"the boxes cover {share:.1f} % of the people at IoU 0.5")
