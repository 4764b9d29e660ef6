"""Find people and what they do in a video.

    ava-det detect in.mp4 --output out/

The command writes out/in.mp4 (boxes, track ids, actions and scores drawn), out/in.csv (AVA's
columns, then the track id; a tick is a 0-based frame number) and out/in.json. It replaces existing
files with `--overwrite` only: they may belong to another video of the same name, such as in.avi.

Read on: docs/tutorial.md, docs/how_it_works.md.
"""

import argparse
import sys
from pathlib import Path

from ava_det import cli
from ava_det.detect.defaults import (
    ACTION_WEIGHTS,
    DEMO,
    PERSON_THRESHOLD,
    PERSON_WEIGHTS,
    RATE,
    SCORE_THRESHOLD,
    TOP_K,
)
from ava_det.formats.outputs import outputs
from ava_det.structures import LARGEST_OF_A_CLIP
from ava_det.weights.shipped import person_weights

RENDERED = "the weights of the demo know rendered people only; give --weights for real videos"
SETTINGS = ["rate", "score_threshold", "top_k", "person_threshold", "person_size", "device"]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    add = parser.add_argument
    add("video", type=Path, help="video file")
    add("--output", required=True, type=Path, metavar="FOLDER", help="folder of the results")
    weights = (
        f"action detector (default: {DEMO / ACTION_WEIGHTS}, which knows rendered people only)"
    )
    add("--weights", type=Path, help=weights)
    add(
        "--persons",
        type=person_weights,
        help=f"person detector, or `light` (default: {PERSON_WEIGHTS} beside the action detector)",
    )
    rate = cli.at_least(0.01, float, LARGEST_OF_A_CLIP)
    add("--rate", type=rate, default=RATE, help="keyframes per second")
    score = "least score of an action"
    add("--score-threshold", type=cli.fraction, default=SCORE_THRESHOLD, help=score)
    top_k = "most actions per person, 0: all"
    add("--top-k", type=cli.at_least(0, int), default=TOP_K, help=top_k)
    person = "least score of a person"
    add("--person-threshold", type=cli.fraction, default=PERSON_THRESHOLD, help=person)
    add(
        "--person-size",
        type=cli.person_size,
        metavar="PIXELS",
        help="short side of frames for the person detector; a larger one finds smaller people "
        "(default: as in training)",
    )
    add(
        "--keypoints", action="store_true", help="draw keypoints, if the person detector finds them"
    )
    add("--device", default="cpu", help="device of the models: cpu, cuda or cuda:1")
    cli.add_overwrite(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Detect; the three files appear at the end."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from ava_det import load_detector
    from ava_det.video.video import Video

    stem = args.output / args.video.stem
    film, csv, json = (Path(f"{stem}{suffix}") for suffix in (".mp4", ".csv", ".json"))
    with Video(args.video) as video:
        args.output.mkdir(parents=True, exist_ok=True)
        with outputs(film, csv, json, overwrite=args.overwrite, inputs=[args.video]):
            settings = {name: getattr(args, name) for name in SETTINGS}
            detector = load_detector(args.weights, args.persons, **settings)
            if args.weights is None:
                print(RENDERED, file=sys.stderr)
            bar = tqdm(total=len(video), unit="frame", desc=args.video.name)
            with bar, logging_redirect_tqdm():  # a warning gets a line of its own
                found = detector.detect(video)
                files = {"csv": csv, "json": json, "film": film}
                found.write(**files, keypoints=args.keypoints, progress=bar.update)
    print(f"wrote {film}, {csv.suffix} and {json.suffix}")
