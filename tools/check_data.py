"""Find what is wrong with a data set before a run does.

    python tools/check_data.py --dataset ava_v2.2_val --proposals boxes.pkl
    python tools/check_data.py --dataset mine/data.toml
    python tools/check_data.py --annotations train.csv --videos videos/ --class-map classes.pbtxt \\
        --ticks seconds --start 0

Looks at the rows of the annotations (columns, numbers, boxes, ids, keyframes), at the videos or
frames (missing, broken, short, of another rate or shape) and at person boxes. Each kind of finding
is counted, with its first rows and a remedy. Exit code 1 if there is an error, 0 if there are
warnings alone.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ava_det import cli
from ava_det.structures import AVA_CLOCK, FRAME_CLOCK, Clock, InputError

if TYPE_CHECKING:
    import pandas as pd

    from ava_det.data.ava import AvaFiles
    from ava_det.formats.findings import Findings

HARDLY = 0.1  # recall at IoU 0.5 below which boxes are of something else


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Find what is wrong with a data set.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dataset", metavar="NAME", help="a name, or a description's path")
    what.add_argument("--annotations", type=Path, metavar="CSV", help="AVA rows of an own one")
    add = parser.add_argument
    add("--videos", type=Path, help="their folder; folders in it are part of a video's name")
    add("--frames", type=Path, help="folder of JPEG frames, with --frame-list")
    add("--frame-list", type=Path, nargs="+", help="PySlowFast's lists of frames")
    add("--class-map", type=Path, help="list of classes: pbtxt or csv")
    add("--exclude", type=Path, metavar="CSV", help="keyframes that do not count")
    add("--include", type=Path, metavar="TXT", help="ticks that count (default: all)")
    add("--proposals", type=Path, help="person boxes: csv or pickle")
    add("--ticks", default="seconds", metavar="seconds|frames|RATE", help="tick unit")
    add("--start", type=int, help="tick at the start of a file (default: 900, or 0 for frames)")
    add("--rate", type=float, help="frames a second that videos should have (default: any)")
    add("--sizes", type=Path, metavar="CSV", help="video,width,height that boxes were drawn on")
    add("--rows", type=int, default=5, help="how many to show of each kind (default 5)")
    add("--json", type=Path, help="write the findings here as well")
    return parser


def main(args: argparse.Namespace) -> int:
    """Check, print, write."""
    from ava_det.data.check_set import Expected, check_files, check_registered
    from ava_det.data.check_videos import check_proposals, read_sizes
    from ava_det.formats.findings import ERROR, Findings
    from ava_det.formats.proposals import read_proposals

    findings = Findings(max(args.rows, 1))
    files = None if args.dataset else files_of(args)
    sizes = read_sizes(args.sizes) if args.sizes else {}
    expected = Expected(args.rate, sizes, args.videos)
    if files is None:
        table = check_registered(args.dataset, expected, findings)
    else:
        table = check_files(files, expected, findings)
    print(f"{len(table)} rows of {table['video'].nunique()} videos")
    if args.proposals:
        try:
            proposals = read_proposals(args.proposals)
        except InputError as error:
            findings.add("unreadable", args.proposals, str(error))
        else:
            check_proposals(args.proposals, proposals, table, findings)
            show_recall(args.proposals, table, proposals, findings)
    print(findings.text())
    if args.json:
        findings.write_json(args.json)
    return cli.FAILED if findings.count(ERROR) else 0


def files_of(args: argparse.Namespace) -> "AvaFiles":
    """The parts of an own data set."""
    from ava_det.data.ava import AvaFiles
    from ava_det.data.frame_folders import FrameFolder
    from ava_det.data.video_files import video_files

    usual = FRAME_CLOCK if args.ticks == "frames" else AVA_CLOCK
    rates = {"seconds": 1.0, "frames": None}
    try:
        rate = rates[args.ticks] if args.ticks in rates else float(args.ticks)
    except ValueError:
        raise InputError(f"--ticks {args.ticks}: seconds, frames or a number a second") from None
    if rate is not None and not 0 < rate < float("inf"):
        raise InputError(f"--ticks {args.ticks}: seconds, frames or a number a second")
    pictures: Path | FrameFolder = args.videos or Path()
    if args.frame_list:
        if not args.frames:
            raise InputError("--frame-list needs --frames, the folder that it speaks of")
        pictures = FrameFolder(args.frames, tuple(args.frame_list), args.rate or 30.0)
    elif not args.videos:
        raise InputError("--videos or --frame-list says where the pictures are")
    return AvaFiles(
        annotations=args.annotations,
        class_map=args.class_map or Path(),
        pictures=pictures,
        clock=Clock(rate, usual.start if args.start is None else args.start),
        excluded=args.exclude,
        included=args.include,
        find=video_files,  # as a description's videos are found
    )


def show_recall(
    path: Path, table: "pd.DataFrame", proposals: "pd.DataFrame", findings: "Findings"
) -> None:
    """Print how many of the annotated people the proposals cover."""
    from ava_det.evaluate.proposal_recall import proposal_recall

    if not table["x1"].notna().any():
        return
    recall = proposal_recall(table, proposals)
    print(recall.table().to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    if recall.boxes[0] and recall.recall[0, 0] < HARDLY:
        share = 100 * recall.recall[0, 0]
        findings.add("no_overlap", path, f"{share:.1f} % of the people are met at IoU 0.5")


if __name__ == "__main__":
    cli.run(parser(), main)
