"""Evaluate action detections: frame-mAP by the protocols of AVA, and video-mAP.

    ava-det evaluate results.csv --ground-truth gt.csv --class-map list.pbtxt

Files have the form of AVA: a row `video,second,x1,y1,x2,y2,action_id,score` for each result. The
tick of a keyframe may be another unit than a second. In JHMDB it is a frame: give `--ticks frames`
to get pictures.

With `--times` all files have times, fractions of a second, as in AVA-Kinetics. Six decimals
distinguish keyframes, as in the official evaluator since AVA-Kinetics.

Read on: docs/evaluation.md.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ava_det import cli
from ava_det.structures import AVA_CLOCK, FRAME_CLOCK, Clock, InputError

MICROSECONDS = 1_000_000  # ticks a second of files with times

if TYPE_CHECKING:
    import pandas as pd

    from ava_det.evaluation.comparison import OtherRun
    from ava_det.evaluation.evaluate import Evaluated, EvaluationRules


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description=__doc__)
    add, path = parser.add_argument, Path
    add("results", type=path, help="AVA result rows, csv or csv.gz")
    add("--ground-truth", type=path, required=True, help="AVA rows, csv or csv.gz")
    add(
        "--class-map",
        type=path,
        help="classes to evaluate, pbtxt or csv (default: all in the ground truth)",
    )
    add(
        "--groups",
        type=path,
        metavar="LIST",
        help="a class list with groups, if --class-map has none",
    )
    add("--exclude", type=path, metavar="CSV", help="keyframes that do not count")
    add("--times", action="store_true", help="all files have times with fractions (AVA-Kinetics)")
    add(
        "--protocol",
        choices=["activitynet", "uncapped"],
        default="activitynet",
        help="which rows count: see docs/evaluation.md",
    )
    add(
        "--iou",
        type=cli.above_zero(1.0),
        default=0.5,
        help="least overlap of a true detection",
    )
    cli.add_video_map(add)
    add("--json", type=path, help="write the figures to this file")
    add("--html", type=path, help="write a page to this file")
    add = parser.add_argument_group("compare with other results").add_argument
    add(
        "--ground-truth-boxes",
        type=path,
        metavar="CSV",
        help="results of the same model on annotated boxes",
    )
    add(
        "--proposals",
        type=path,
        metavar="CSV",
        help="person boxes: show the share of people that they cover",
    )
    add("--compare", type=path, metavar="JSON|CSV", help="figures or results of another run")
    add = parser.add_argument_group("more on the page").add_argument
    add("--videos", type=path, metavar="FOLDER", help="pictures of the best and worst keyframes")
    add(
        "--pictures",
        type=cli.at_least(0, int, 1000),
        default=6,
        metavar="N",
        help="number of best and of worst keyframes",
    )
    add(
        "--ticks",
        type=ticks,
        default=1.0,
        metavar="seconds|frames|RATE",
        help="unit of a tick (default: seconds)",
    )
    add(
        "--start",
        type=cli.tick,
        help="tick at the start of a video (default 900; 0 for frames and --times)",
    )
    add("--run", type=path, metavar="FOLDER", help="show the loss curves of this training run")
    return parser


def ticks(text: str) -> float | None:
    """A type of argument: ticks a second; None for frames."""
    named = {"seconds": 1.0, "frames": None}
    return named[text] if text in named else cli.above_zero()(text)


def main(args: argparse.Namespace) -> None:
    """Evaluate, print and write; refuse outputs that another process writes."""
    from ava_det.formats.outputs import outputs

    if not args.html and (args.videos or args.run):
        parser().error("--videos and --run show on the page: say where by --html")
    args.video_map_protocol = cli.video_map_protocol(args, parser())
    if args.times and args.ticks != 1.0:
        parser().error("--times are seconds: --ticks is of other files")
    if args.videos and not args.videos.is_dir():
        raise InputError(f"{args.videos}: no such folder")
    written = [path for path in (args.json, args.html) if path]
    read = (args.results, args.ground_truth, args.class_map, args.groups, args.exclude)
    beside = (args.ground_truth_boxes, args.proposals, args.compare)
    with outputs(*written, overwrite=True, inputs=[*read, *beside]):
        evaluate(args)


def evaluate(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    from ava_det.evaluation.evaluate import evaluate_file, other_run, require_few_rows
    from ava_det.evaluation.figures import write_evaluation
    from ava_det.evaluation.proposal_recall import proposal_recall
    from ava_det.evaluation.text import lines_of, notes
    from ava_det.formats.ava_csv import read_ground_truth
    from ava_det.formats.proposals import read_proposals

    per_second = MICROSECONDS if args.times else None
    truth = read_ground_truth(args.ground_truth, per_second)
    rules = rules_of(args, truth, per_second)
    given = truth, args.ground_truth, rules
    this = evaluate_file(args.results, *given)
    figures, held = this.figures, len(this.detections)
    other = other_run(args.compare, *given, held) if args.compare else None
    if args.ground_truth_boxes:
        whole = evaluate_file(args.ground_truth_boxes, *given, held).figures
        figures["ground_truth_boxes"] = {"mAP": whole["mAP"], "AP": whole["AP"]}
    recall = None
    if args.proposals:
        proposals = read_proposals(args.proposals, per_second=per_second)
        require_few_rows(args.proposals, held + len(truth) + len(proposals))
        recall = proposal_recall(truth, proposals).table()
    for note in notes(figures, truth, this.detections):
        print(note, file=sys.stderr)
    print(*lines_of(figures, recall, other), sep="\n")
    if args.json:
        write_evaluation(args.json, figures)
    if args.html:
        report(args, this, rules, other, recall)
        print(f"report: {args.html}")


def rules_of(
    args: argparse.Namespace, truth: "pd.DataFrame", per_second: int | None
) -> "EvaluationRules":
    """The rules that the command line sets; `per_second` is for files with times."""
    from ava_det.evaluation.evaluate import EvaluationRules, classes_of
    from ava_det.formats import ava_csv
    from ava_det.formats.class_map import read_class_map, with_groups

    if args.class_map:
        class_map = read_class_map(args.class_map)
        ava_csv.require_common(truth, class_map, args.ground_truth)
    else:
        class_map = classes_of(truth, args.ground_truth)
        print(
            f"no class map given: the {len(class_map)} ids of the ground truth are evaluated "
            "(AVA's own figures are of the 60 classes of its list)",
            file=sys.stderr,
        )
    if args.groups:
        class_map = with_groups(class_map, read_class_map(args.groups))
    excluded = ava_csv.read_keyframes(args.exclude, per_second) if args.exclude else None
    tubes = args.video_map_protocol
    return EvaluationRules(class_map, args.protocol, excluded, args.iou, tubes, per_second)


def report(
    args: argparse.Namespace,
    this: "Evaluated",
    rules: "EvaluationRules",
    other: "OtherRun | None",
    recall: "pd.DataFrame | None",
) -> None:
    """Write the page."""
    from ava_det.formats.training_log import read_metrics
    from ava_det.report.evaluation import write_report

    pictures = None
    if args.videos:
        from ava_det.video.keyframe_frames import KeyframePictures

        usual = FRAME_CLOCK if args.ticks is None or args.times else AVA_CLOCK
        start = usual.start if args.start is None else args.start
        clock = Clock(args.ticks, start)
        if args.times:
            clock = Clock(MICROSECONDS, MICROSECONDS * start)
        pictures = KeyframePictures(args.videos, clock)
    write_report(
        args.html,
        f"{args.results} against {args.ground_truth}, {args.class_map or 'all classes found'}",
        this,
        rules.class_map,
        pictures=pictures,
        count=args.pictures,
        other=other,
        recall=recall,
        metrics=read_metrics(args.run / "metrics.json") if args.run else None,
    )
