"""Evaluate anybody's action detections: frame-mAP by the protocols of AVA.

    python tools/evaluate.py results.csv --ground-truth gt.csv --class-map list.pbtxt

Files are AVA's: a row `video,second,x1,y1,x2,y2,action_id,score` a result. A keyframe's tick need
not be a second; in JHMDB it is a frame (say so by `--ticks frames` when asking for pictures).
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ava_det import cli
from ava_det.structures import AVA_CLOCK, FRAME_CLOCK, Clock, InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ava_det.draw.markup import Html
    from ava_det.evaluate.frame_map import FrameMap


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Frame-mAP of action detections.")
    add, path = parser.add_argument, Path
    add("results", type=path, help="AVA result rows, csv or csv.gz")
    add("--ground-truth", type=path, required=True, help="AVA rows, csv or csv.gz")
    add("--class-map", type=path, required=True, help="the classes to evaluate, pbtxt or csv")
    add("--groups", type=path, metavar="LIST", help="a class list with groups, if that has none")
    add("--exclude", type=path, metavar="CSV", help="keyframes that do not count")
    add("--protocol", choices=["activitynet", "uncapped"], default="activitynet")
    add("--iou", type=float, default=0.5, help="least overlap of a true detection (default 0.5)")
    add("--video-map", action="store_true", help="link boxes into tubes and give their mAP as well")
    add("--json", type=path, help="write the figures to this file")
    add("--html", type=path, help="write a page to this file")
    add = parser.add_argument_group("more on the page").add_argument
    add("--videos", type=path, metavar="FOLDER", help="pictures of the best and worst keyframes")
    add("--pictures", type=int, default=6, metavar="N", help="how many of each (default 6)")
    add(
        "--ticks", type=ticks_a_second, default=1.0, metavar="seconds|frames|RATE", help="tick unit"
    )
    add("--start", type=int, help="tick at the start of a file (default 900, or 0 for frames)")
    add("--run", type=path, metavar="FOLDER", help="loss curves of this training run")
    return parser


def ticks_a_second(text: str) -> float | None:
    """What `--ticks` means; None for frames."""
    return {"seconds": 1.0, "frames": None}[text] if text in ("seconds", "frames") else float(text)


def main(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    from ava_det.evaluate.frame_map import frame_map
    from ava_det.evaluate.text import class_table, notes, video_table
    from ava_det.formats import ava_csv
    from ava_det.formats.class_map import read_class_map, with_groups
    from ava_det.formats.evaluation import write_evaluation

    if not args.html and (args.videos or args.run):
        raise InputError("--videos and --run show on the page: say where by --html")
    if args.videos and not args.videos.is_dir():
        raise InputError(f"{args.videos}: no such folder")
    class_map = read_class_map(args.class_map)
    if args.groups:
        class_map = with_groups(class_map, read_class_map(args.groups))
    truth = ava_csv.read_ground_truth(args.ground_truth)
    found = ava_csv.read_detections(args.results)
    ava_csv.require_common(truth, class_map, args.ground_truth)
    ava_csv.require_common(found, class_map, args.results)
    excluded = ava_csv.read_keyframes(args.exclude) if args.exclude else None
    rules = {"protocol": args.protocol, "excluded": excluded, "iou_threshold": args.iou}
    result = frame_map(truth, found, class_map, **rules)
    if not any(result.ground_truth.values()):
        raise InputError(f"{args.ground_truth}: no row of an evaluated class counts")
    figures = result.summary()
    for line in notes(figures, truth, found):
        print(line, file=sys.stderr)
    print(class_table(figures))
    if args.video_map:
        from ava_det.evaluate.video_map import video_map

        videos = video_map(truth, found, class_map)
        figures["video_mAP"] = videos.summary()
        print(video_table(figures["video_mAP"]))
    if args.json:
        write_evaluation(args.json, figures)
    if args.html:
        write_report(args, result, truth, found, class_map.names)
        print(f"report: {args.html}")


def write_report(
    args: argparse.Namespace,
    result: "FrameMap",
    truth: "pd.DataFrame",
    found: "pd.DataFrame",
    names: dict[int, str],
) -> None:
    """The page."""
    from ava_det.draw.evaluation_report import sections
    from ava_det.draw.page import write_page
    from ava_det.evaluate.frame_map import HIT, LEFT_OUT
    from ava_det.evaluate.keyframes import best_and_worst, keyframe_precision
    from ava_det.formats.metrics import read_metrics

    best, worst = [], []
    if args.videos:
        chosen = best_and_worst(keyframe_precision(truth, found, result), args.pictures)
        truth = truth[result.counted]
        found = found.assign(hit=result.outcome == HIT)[result.outcome != LEFT_OUT]
        best, worst = (list(pictures(args, some, truth, found, names)) for some in chosen)
    metrics = read_metrics(args.run / "metrics.json") if args.run else None
    subtitle = f"{args.results} against {args.ground_truth}, classes of {args.class_map}"
    parts = sections(result.summary(), result.curves(), best, worst, metrics)
    write_page(args.html, "Action detection: frame-mAP", subtitle, parts)


def pictures(
    args: argparse.Namespace,
    chosen: "pd.DataFrame",
    truth: "pd.DataFrame",
    found: "pd.DataFrame",
    names: dict[int, str],
) -> "Iterator[Html]":
    """Pictures of keyframes, as far as their videos can be read."""
    from ava_det.draw.evaluation_report import keyframe_picture

    paths = sorted(path for path in args.videos.rglob("*") if path.is_file())
    files = {path.relative_to(args.videos).with_suffix("").as_posix(): path for path in paths}
    for video, tick, ap in zip(chosen["video"], chosen["tick"], chosen["ap"], strict=True):
        try:
            if video not in files:
                raise InputError(f"{args.videos}: no such video in it")
            image = keyframe_image(args, files[video], tick)
        except (InputError, IndexError) as error:
            print(f"no picture of {video}, tick {tick}: {error}", file=sys.stderr)
            continue
        here, said = (t[(t["video"] == video) & (t["tick"] == tick)] for t in (truth, found))
        yield keyframe_picture(image, f"{video}, tick {tick}: AP {ap:.2f}", here, said, names)


def keyframe_image(args: argparse.Namespace, path: Path, tick: int) -> "np.ndarray":
    """The frame (H, W, 3) of a keyframe."""
    import numpy as np

    from ava_det.data.video import Video

    usual = FRAME_CLOCK if args.ticks is None else AVA_CLOCK
    clock = Clock(args.ticks, usual.start if args.start is None else args.start)
    with Video(path) as file:
        time = clock.seconds(tick, file.frame_times)
        if not 0 <= time <= file.frame_times[-1] + 0.5:
            raise IndexError(f"second {time:g} of {file.frame_times[-1]:.1f}")
        return file.frames(np.array([time]))[0]


if __name__ == "__main__":
    cli.run(parser(), main)
