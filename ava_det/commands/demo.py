"""Run the whole pipeline on a rendered world in minutes; `make demo` runs this command.

    ava-det demo

The command renders people, pretrains with S-VideoMix, fine-tunes an action detector, trains a
person detector, evaluates both on unseen videos and draws their detections into one more video.
Each step is a command of its own, printed before it runs. All files are below runs/demo in the
current folder, where `ava-det detect` looks for weights. The exit code is 1 if the result is worse
than that of a working pipeline.

Read on: README.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

from ava_det import cli
from ava_det.detect.defaults import ACTION_WEIGHTS, PERSON_WEIGHTS
from ava_det.detect.defaults import DEMO as RUN
from ava_det.structures import InputError

ACTORS = RUN / "datasets" / "actors"
PRETRAIN = "pretrain/actors_slowfast_tiny.py"
FINETUNE = "finetune/actors_slowfast_tiny.py"
PERSONS = "persons/actors.py"
ACTION_FILE, PERSON_FILE = RUN / ACTION_WEIGHTS, RUN / PERSON_WEIGHTS


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description=__doc__)
    parser.add_argument("--resume", action="store_true", help="continue an interrupted demo")
    return parser


def main(args: argparse.Namespace) -> int:
    """Run all steps; 1 if a check of the result fails."""
    start = time.monotonic()
    cli.require_checkout("ava-det demo")
    os.environ["DETECTRON2_DATASETS"] = str(ACTORS.parent)
    if not args.resume:
        for folder in ("pretrain", "finetune", "persons", "test", "detect"):
            shutil.rmtree(RUN / folder, ignore_errors=True)
    train_all()
    scores = evaluate_all()
    shutil.rmtree(RUN / "cache")  # decoded videos of a gigabyte
    run(
        *("detect", RUN / "unseen.mp4", "--weights", ACTION_FILE),
        *("--output", RUN / "detect", "--overwrite"),
    )
    print(f"\n{table(scores)}\n\n  {(time.monotonic() - start) / 60:.1f} minutes")
    print(f"  report: {RUN / 'report.html'}\n  video:  {RUN / 'detect' / 'unseen.mp4'}")
    failures = unsound(scores)
    for failure in failures:
        print(f"error: this does not hold: {failure}", file=sys.stderr)
    return cli.FAILED if failures else 0


def train_all() -> None:
    """Make data, backbone and both detectors; put the weights where `ava-det detect` looks."""
    script = os.path.relpath(cli.ROOT / "datasets" / "prepare_actors.py")
    call(f"python {script}", [sys.executable, script], ["--unseen", RUN / "unseen.mp4"])
    run("pretrain", "--config", PRETRAIN, "--output", RUN / "pretrain", "--resume")
    run(
        *("finetune", "--config", FINETUNE, "--output", RUN / "finetune", "--resume"),
        *("--weights", RUN / "pretrain" / "model.safetensors"),
    )
    run(
        *("propose", "--train", "--dataset", "actors_train", "--resume"),
        *("--config", PERSONS, "--output", RUN / "persons"),
    )
    shutil.copyfile(RUN / "finetune" / "model.safetensors", ACTION_FILE)
    shutil.copyfile(RUN / "persons" / "model.safetensors", PERSON_FILE)


def evaluate_all() -> dict[str, float]:
    """Frame-mAP on the test split for each kind of test; writes the report."""
    boxes, folder = RUN / "test" / "boxes.csv", RUN / "test" / "detected"
    run(
        *("propose", "--dataset", "actors_test", "--weights", PERSON_FILE, "--overwrite"),
        *("--output", boxes),
    )
    trained, found = ("--weights", ACTION_FILE), ("--proposals", boxes, "--threshold", 0.5)
    scores = {
        "trained, ground-truth boxes": test("ground_truth", *trained),
        "trained, detected boxes": test("detected", *trained, *found),
        "trained, one repeated frame": test("still", *trained, "clip.stride=0"),
        "untrained, ground-truth boxes": test("untrained", "--untrained"),
        "untrained, detected boxes": test("untrained_detected", "--untrained", *found),
        "class prior, ground-truth boxes": class_prior(),
    }
    run(
        *("evaluate", folder / "detections.csv", "--protocol", "uncapped"),
        *("--ground-truth", folder / "ground_truth.csv"),
        *("--class-map", folder / "classes.pbtxt", "--html", RUN / "report.html"),
        *("--videos", ACTORS / "videos", "--ticks", 3, "--start", 0, "--run", RUN / "finetune"),
    )
    return scores


def test(name: str, *arguments: object) -> float:
    """Return the frame-mAP that `ava-det test` finds with `arguments`."""
    output = RUN / "test" / name
    run("test", "--config", FINETUNE, "--output", output, *arguments)
    return json.loads((output / "result.json").read_text())["mAP"]


def class_prior() -> float:
    """Frame-mAP of the frequencies of actions among the training people."""
    from ava_det.evaluation.class_prior import class_prior_detections
    from ava_det.evaluation.frame_map import frame_map
    from ava_det.formats.ava_csv import read_ground_truth
    from ava_det.formats.class_map import read_class_map

    train, truth = (read_ground_truth(ACTORS / f"{split}.csv") for split in ("train", "test"))
    class_map = read_class_map(ACTORS / "class_map.pbtxt")
    guesses = class_prior_detections(train, truth, class_map)
    return frame_map(truth, guesses, class_map, protocol="uncapped").mAP


def unsound(scores: dict[str, float]) -> list[str]:
    """The checks of the result that fail."""
    learned = scores["trained, ground-truth boxes"]
    checks = {
        "frame-mAP with ground-truth boxes is at least 0.5": learned >= 0.5,
        "... and at least 3 times the class prior's": learned
        >= 3 * scores["class prior, ground-truth boxes"],
        "with detected boxes it is at least 0.7 of that": scores["trained, detected boxes"]
        >= 0.7 * learned,
        "on one repeated frame it is below half of that": scores["trained, one repeated frame"]
        < 0.5 * learned,
    }
    return [what for what, holds in checks.items() if not holds]


def table(scores: dict[str, float]) -> str:
    """The figures, for the terminal."""
    lines = [f"  {name:<34}{score:6.3f}" for name, score in scores.items()]
    return "\n".join(["  frame-mAP at IoU 0.5 (uncapped), test split", *lines])


def run(command: str, *arguments: object) -> None:
    """Print a command of `ava-det` as a user types it, and run it."""
    call(f"ava-det {command}", [sys.executable, "-m", "ava_det", command], arguments)


def call(shown: str, program: list[str], arguments: Sequence[object]) -> None:
    """Print `shown` with the arguments, and run the program with them."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ {' '.join([shown, *words])}", flush=True)
    done = subprocess.run([*program, *words], check=False)
    if done.returncode:
        raise InputError(f"{shown} failed with exit code {done.returncode}")
