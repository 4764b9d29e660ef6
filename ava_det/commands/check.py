"""Find what is wrong with a data set before a run does.

    python tools/check_data.py --dataset ava_v2.2_val --proposals boxes.pkl
    python tools/check_data.py --dataset mine/data.toml
    python tools/check_data.py --annotations train.csv --videos videos/ --class-map classes.pbtxt \\
        --ticks seconds --start 0

Looks at the rows of the annotations (columns, numbers, boxes, ids, keyframes), at the videos or
frames (missing, broken, short, of another rate or shape) and at person boxes. Each kind of finding
is counted, with its first rows and a remedy. The recall of person boxes is of the people whom a
loader keeps: not those on excluded keyframes or of videos that are not there. Exit code 1 if there
is an error, 0 if there are warnings alone.
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
    from ava_det.data.sets.ava import AvaFiles

# What a set that has a name says itself, and the key that a description says it under.
SAID_BY_THE_SET = {
    "class_map": "class_map",
    "exclude": "excluded",
    "include": "included",
    "frames": "frames",
    "frame_list": "frame_lists",
    "ticks": "rate",
    "start": "start",
}
HARDLY = 0.1  # recall at IoU 0.5 below which boxes are of something else


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description="Find what is wrong with a data set.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dataset", metavar="NAME", help="a name, or a description's path")
    what.add_argument("--annotations", type=Path, metavar="CSV", help="AVA rows of an own one")
    add = parser.add_argument
    videos = "their folder; folders in it are part of a video's name. Of frames: what they are from"
    add("--videos", type=Path, help=videos)
    add("--frames", type=Path, help="folder of JPEG frames, with --frame-list")
    add("--frame-list", type=Path, nargs="+", help="PySlowFast's lists of frames")
    add("--class-map", type=Path, help="list of classes: pbtxt or csv")
    add("--exclude", type=Path, metavar="CSV", help="keyframes that do not count")
    add("--include", type=Path, metavar="TXT", help="ticks that count (default: all)")
    add("--proposals", type=Path, help="person boxes: csv or pickle")
    add("--ticks", type=clock, metavar="seconds|frames|RATE", help="tick unit (default: seconds)")
    add(
        "--start", type=cli.tick, help="tick at the start of a file (default: 900, or 0 for frames)"
    )
    rate = "frames a second that videos should have (default: any), or that --frame-list has, "
    rate += "which does not say so itself (default: 30)"
    add("--rate", type=cli.above_zero(), help=rate)
    add("--sizes", type=Path, metavar="CSV", help="video,width,height that boxes were drawn on")
    shown = "how many to show of each kind (default 5)"
    add("--rows", type=cli.at_least(1, int), default=5, help=shown)
    add("--json", type=Path, help="write the findings here as well")
    return parser


def clock(text: str) -> Clock:
    """A type of argument: what a tick is."""
    named = {"seconds": AVA_CLOCK, "frames": FRAME_CLOCK}
    if text in named:
        return named[text]
    try:
        return replace(AVA_CLOCK, rate=cli.above_zero()(text))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"{text}: seconds, frames or a number a second") from None


def require_sense(args: argparse.Namespace) -> None:
    """Refuse options that would be passed over, and those that need another one."""
    if args.dataset:
        given = [name for name in SAID_BY_THE_SET if getattr(args, name) is not None]
        if given:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            keys = ", ".join(SAID_BY_THE_SET[name] for name in given)
            parser().error(
                f"{options}: not with --dataset, for a set says so itself: a description as {keys}"
            )
        if args.videos and not is_frames(args.dataset):
            parser().error("--videos: with --dataset only for one of frames, to compare them with")
    elif args.frame_list and not args.frames:
        parser().error("--frame-list needs --frames, the folder that it speaks of")
    elif args.frames and not args.frame_list:
        parser().error("--frames needs --frame-list, which says what the frames are of")
    elif not (args.videos or args.frames):
        parser().error("--annotations needs --videos or --frame-list: where the pictures are")


def is_frames(name: str) -> bool:
    """Whether the pictures of a registered set are frames."""
    from ava_det.data.sets.catalog import get_dataset

    return bool(get_dataset(name).frame_folders)


def main(args: argparse.Namespace) -> int:
    """Check, print, write."""
    from ava_det.data.check.dataset import Expected, check_files, check_registered
    from ava_det.data.check.findings import ERROR, Findings
    from ava_det.data.check.videos import check_proposals
    from ava_det.formats.frame_sizes import read_sizes
    from ava_det.formats.outputs import outputs, require_apart
    from ava_det.formats.proposals import read_proposals

    require_sense(args)
    written = [args.json] if args.json else []
    read = args.annotations, args.class_map, args.exclude, args.include, args.proposals, args.sizes
    require_apart(written, read)
    findings = Findings(args.rows)
    sizes = read_sizes(args.sizes) if args.sizes else {}
    expected = Expected(None if args.frame_list else args.rate, sizes, args.videos)
    if args.dataset:
        table, counts = check_registered(args.dataset, expected, findings)
    else:
        table, counts = check_files(files_of(args), expected, findings)
    print(f"{len(table)} rows of {table['video'].nunique()} videos")
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


def files_of(args: argparse.Namespace) -> "AvaFiles":
    """The parts of an own data set."""
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
        find=video_files,  # as a description's videos are found
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
        findings.add("no_overlap", path, f"{share:.1f} % of the people are met at IoU 0.5")
