"""Find people and what they do in a video.

    python tools/detect.py in.mp4 --output out/

writes out/in.mp4 (boxes, track ids, actions and scores drawn), out/in.csv (AVA's columns, then the
track id; a tick is a 0-based frame number) and out/in.json. Files that are there already are
replaced with `--overwrite` alone: they may be of another video of that name, such as in.avi.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from ava_det import cli
from ava_det.formats.outputs import outputs, require_apart
from ava_det.formats.regular import require_regular
from ava_det.structures import InputError
from ava_det.weights.shipped import person_weights

if TYPE_CHECKING:
    from ava_det.video.video import Video

DEMO = "runs/demo"  # where `make demo` leaves its weights
ACTION_WEIGHTS, PERSON_WEIGHTS = "action.safetensors", "persons.safetensors"
SUFFIXES = ".mp4", ".csv", ".json"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description="Find people and what they do in a video.")
    parser.add_argument("video", type=Path)
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER")
    parser.add_argument(
        "--weights", type=Path, help=f"action detector (default: {DEMO}/{ACTION_WEIGHTS})"
    )
    parser.add_argument(
        "--persons",
        type=person_weights,
        help=f"person detector, or `light` (default: {PERSON_WEIGHTS} beside the action detector)",
    )
    parser.add_argument(
        "--rate", type=cli.at_least(0.01, float), default=5.0, help="keyframes a second (default 5)"
    )
    parser.add_argument(
        "--score-threshold",
        type=cli.fraction,
        default=0.3,
        help="least score of an action (default 0.3)",
    )
    parser.add_argument(
        "--top-k",
        type=cli.at_least(0, int),
        default=3,
        help="most actions a person, 0: all (default 3)",
    )
    parser.add_argument(
        "--person-threshold",
        type=cli.fraction,
        default=0.5,
        help="least score of a person (default 0.5)",
    )
    parser.add_argument(
        "--person-size",
        type=cli.at_least(32, int),
        metavar="PIXELS",
        help="short side that frames have for the person detector; more finds smaller people "
        "(default: as trained)",
    )
    parser.add_argument("--device", default="cpu")
    cli.add_overwrite(parser)
    return parser


def find_weights(args: argparse.Namespace) -> tuple[Path, Path]:
    """The two weight files.

    Raises:
        InputError: one of them is missing.
    """
    for named in filter(None, (args.weights, args.persons)):
        require_regular(named)
    weights = args.weights or Path(DEMO) / ACTION_WEIGHTS
    if not weights.is_file():
        raise InputError(f"{weights}: run `make demo` first, or give --weights")
    persons = args.persons or weights.with_name(PERSON_WEIGHTS)
    if not persons.is_file():
        raise InputError(f"{persons}: give --persons (light, say)")
    return weights, persons


def main(args: argparse.Namespace) -> None:
    """Detect; the three files appear when all is done."""
    from ava_det.video.video import Video

    files = [args.output / f"{args.video.stem}{suffix}" for suffix in SUFFIXES]
    with Video(args.video) as shown:
        require_apart(files, [args.video])
        args.output.mkdir(parents=True, exist_ok=True)
        with outputs(*files, overwrite=args.overwrite):
            detect(args, shown)


def detect(args: argparse.Namespace, shown: "Video") -> None:
    """Find, write and say where.

    Args:
        args: the command line.
        shown: the video, which is read once for its pictures.
    """
    weights, persons = find_weights(args)
    from tqdm import tqdm

    from ava_det.detect.backends.torch import TorchBackend
    from ava_det.detect.persons import load_persons
    from ava_det.detect.pipeline import ActionPipeline
    from ava_det.detect.results import Choice, video_facts, write_results
    from ava_det.video.video import Video

    actions = TorchBackend.from_file(weights, args.device)
    detector = load_persons(persons, args.device, args.person_size)
    pipeline = ActionPipeline(detector, actions, args.rate, args.person_threshold)
    choice = Choice(actions.class_map, args.score_threshold, args.top_k)
    facts = {
        "video": video_facts(shown),
        "model": {
            "weights": str(weights),
            "persons": str(persons),
            "clip": dataclasses.asdict(actions.clip),
        },
        "settings": {
            name: getattr(args, name)
            for name in ("rate", "score_threshold", "top_k", "person_threshold")
        },
        "classes": {str(i): name for i, name in actions.class_map.names.items()},
    }
    bar = tqdm(total=len(shown), unit="frame", desc=args.video.name)
    with Video(args.video, index=shown.index) as analysed, bar:
        results = pipeline.run(analysed)
        write_results(shown, results, args.output, choice, facts, bar.update)
    print(f"{args.output / args.video.stem}: .mp4, .csv, .json")
