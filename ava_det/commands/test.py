"""Run a trained detector or classifier over the test set of its config, and measure it.

    ava-det test --config configs/finetune/jhmdb_slowfast_tiny.py \\
        --weights runs/finetune/model.safetensors --output runs/test --proposals boxes.csv
    ava-det test --config configs/pretrain/jhmdb_slowfast_tiny.py \\
        --weights runs/pretrain/model.safetensors --output runs/test --views 10x3

For a detector, OUTPUT gets `detections.csv`, `ground_truth.csv` and `classes.pbtxt` (the evaluated
classes), which `ava-det evaluate` takes, and `result.json`. Keyframes that cannot be read do not
count: `ground_truth.csv` leaves them out, and a tube ends before such a keyframe.

For a classifier, the softmax of all views (clips x crops) of a video is averaged. OUTPUT gets
`result.json`, `scores.csv.gz` and `report.html` with the confusion matrix.

`unreadable.csv` lists the videos that could not be read. A config is Python code and is run: use
only configs that you trust.

Read on: docs/training.md, docs/evaluation.md.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ava_det import cli
from ava_det.formats.outputs import outputs
from ava_det.structures import InputError

if TYPE_CHECKING:
    from ava_det.train.tasks import Detection, Recognition

DETECTOR_FILES = "detections.csv", "ground_truth.csv", "classes.pbtxt"
CLASSIFIER_FILES = "scores.csv.gz", "report.html"
FILES = "result.json", "unreadable.csv"
DETECTOR_OPTIONS = "proposals", "threshold", "video_map", "video_map_protocol", "features"
CLASSIFIER_OPTIONS = ("views",)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    add = parser.add_argument
    add("--config", required=True, help="the config of the training")
    weights = parser.add_mutually_exclusive_group(required=True)
    weights.add_argument("--weights", type=Path, help="the weights of a trained model")
    weights.add_argument("--untrained", action="store_true", help="random weights, for comparison")
    add("--output", required=True, type=Path, help="folder of the results")
    add("overrides", nargs="*", metavar="path.key=value", help="config overrides")
    add = parser.add_argument_group("for a detector").add_argument
    add("--proposals", help="csv of boxes to use instead of annotated boxes")
    score = "least score of a proposal (default: the config's)"
    add("--threshold", type=cli.fraction, help=score)
    cli.add_video_map(add)
    features = "write video, tick, box and feature of each person to this file"
    add("--features", type=Path, metavar="NPZ", help=features)
    add = parser.add_argument_group("for a classifier").add_argument
    counts = "clips per video and square crops per clip (default: the config's)"
    add("--views", type=views, metavar="CLIPSxCROPS", help=counts)
    return parser


def views(text: str) -> tuple[int, int]:
    """Parse `--views`."""
    match = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not CLIPSxCROPS, such as 10x3 or 1x1")
    return int(match[1]), int(match[2])


def main(args: argparse.Namespace) -> None:
    """Test the model and write the results, unless another process writes the same files."""
    from detectron2.config import instantiate

    from ava_det.model.device import usable_device
    from ava_det.train.config import load_config
    from ava_det.train.tasks import Detection, Recognition

    cfg = load_config(args.config, args.overrides)
    usable_device(str(cfg.train.device), "train.device=")  # before anything is written
    names = tuple(instantiate(cfg.class_map).names.values())  # the task needs the number
    task = instantiate(cfg.task)
    if isinstance(task, Detection):
        refuse(args, CLASSIFIER_OPTIONS, "a detector")
        set_boxes(args, cfg.test.loader.records)
        files, test = [args.output / name for name in DETECTOR_FILES], test_detector
        files += [args.features] if args.features else []
    elif isinstance(task, Recognition):
        refuse(args, DETECTOR_OPTIONS, "a classifier")
        files, test = [args.output / name for name in CLASSIFIER_FILES], test_classifier
    else:
        raise InputError(f"{args.config}: trains neither an action detector nor a classifier")
    files += [args.output / name for name in FILES]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
    with outputs(*files, overwrite=True):
        unreadable = args.output / "unreadable.csv"
        unreadable.unlink(missing_ok=True)
        cfg.test.loader.unreadable_list = str(unreadable)
        test(args, cfg, task, names)


def refuse(args: argparse.Namespace, options: tuple[str, ...], kind: str) -> None:
    """Refuse options that this kind of model would ignore."""
    for name in options:
        if getattr(args, name) not in (None, False):
            option = f"--{name.replace('_', '-')}"
            parser().error(f"{option}: not for {kind}, which {args.config} trains")


def set_boxes(args: argparse.Namespace, records: Any) -> None:
    """Put the boxes of the command line into the config."""
    args.video_map_protocol = cli.video_map_protocol(args, parser())
    if args.proposals:
        records.proposals = args.proposals
    if args.threshold is not None:
        if not records.proposals:
            parser().error("--threshold needs --proposals")
        records.threshold = args.threshold


def test_detector(
    args: argparse.Namespace, cfg: Any, task: "Detection", names: tuple[str, ...]
) -> None:
    """Test an action detector and write the results."""
    from detectron2.config import instantiate
    from detectron2.evaluation import DatasetEvaluator, DatasetEvaluators
    from tqdm import tqdm

    from ava_det.evaluation.text import tube_notes, video_table
    from ava_det.evaluation.video_map import video_map
    from ava_det.formats.atomic import atomic_text
    from ava_det.formats.ava_csv import write_detections, write_ground_truth
    from ava_det.formats.class_map import write_class_map
    from ava_det.train.features import FeatureExport
    from ava_det.train.run import evaluate, laid_out
    from ava_det.weights.native import load_model

    model: Any
    if args.weights:
        model, card = load_model(args.weights)
        require_classes(args.weights, card, names)
    else:
        model = untrained(cfg)
    loader, evaluator = instantiate(cfg.test.loader), instantiate(cfg.test.evaluator)
    evaluators: list[DatasetEvaluator] = [evaluator]
    if args.features:
        evaluators.append(FeatureExport(args.features, model.head.projection))
    progress, both = tqdm(loader, unit="batch"), DatasetEvaluators(evaluators)
    evaluate(laid_out(model, cfg.train), task, progress, both, cfg.test.amp)
    write_detections(args.output / "detections.csv", evaluator.table)
    write_ground_truth(args.output / "ground_truth.csv", evaluator.ground_truth)
    write_class_map(args.output / "classes.pbtxt", evaluator.evaluated)
    summary: dict[str, Any] = {"protocol": evaluator.protocol, "mAP": evaluator.result.mAP}
    summary["unreadable"] = len(loader.unreadable)
    summary["unreadable_keyframes"] = len(evaluator.unreadable)
    if summary["unreadable"]:
        listed = args.output / "unreadable.csv"
        print(f"{summary['unreadable']} videos are left out as unreadable: {listed}")
        left = f"{summary['unreadable_keyframes']} annotated keyframes of these videos do not count"
        print(f"{left}, and are not in ground_truth.csv")
    print(f"frame-mAP ({evaluator.protocol}): {100 * evaluator.result.mAP:.2f} %")
    if args.video_map_protocol:
        given = evaluator.ground_truth, evaluator.table, evaluator.evaluated
        tubes = video_map(*given, protocol=args.video_map_protocol).summary()
        summary["video_mAP"] = tubes
        for note in tube_notes(tubes):
            print(note, file=sys.stderr)
        print(video_table(tubes))
    with atomic_text(args.output / "result.json") as file:
        json.dump(summary, file)


def test_classifier(
    args: argparse.Namespace, cfg: Any, task: "Recognition", names: tuple[str, ...]
) -> None:
    """Test a classifier and write the results."""
    from detectron2.config import instantiate
    from tqdm import tqdm

    from ava_det.evaluation.recognition import figures_of, write_figures, write_scores
    from ava_det.model.cost import cost_of
    from ava_det.report.page import write_page
    from ava_det.report.recognition import sections
    from ava_det.train.run import check_classes, evaluate, laid_out
    from ava_det.weights.load import load_weights, read_file

    loading = cfg.test.loader
    if args.views:
        loading.mapper.clips, loading.mapper.crops = args.views
        loading.batch_size = max(1, loading.batch_size // args.views[1])
    check_classes(task.num_classes, len(names), cfg)
    model = untrained(cfg)
    if args.weights:
        require_classes(args.weights, read_file(args.weights).card, names)
        load_weights(args.weights, model)
    side = cfg.clip.short_side
    gmacs = cost_of(model.eval(), cfg.clip.frames, side, side).macs / 1e9
    evaluator = instantiate(cfg.test.evaluator)
    progress = tqdm(instantiate(loading), unit="batch")
    evaluate(laid_out(model, cfg.train), task, progress, evaluator, cfg.test.amp)
    result, clips, crops = evaluator.result, loading.mapper.clips, loading.mapper.crops or 1
    figures = figures_of(result, names, clips, crops, gmacs)
    write_figures(args.output / "result.json", figures)
    write_scores(args.output / "scores.csv.gz", result.videos, result.labels, result.scores, names)
    parts = sections(figures, result.confusion())
    write_page(args.output / "report.html", "Action recognition", str(args.output), parts)
    print(
        f"top-1 {100 * figures['top1']:.2f} %, top-5 {100 * figures['top5']:.2f} %, mean of the "
        f"classes {100 * figures['mean_class_accuracy']:.2f} % ({figures['videos']:,} videos, "
        f"{figures['unreadable']} left out as unreadable)"
    )
    print(f"{gmacs:.4g} GFLOPs (multiply-adds) x {clips * crops} views ({clips} x {crops})")
    print(f"report: {args.output / 'report.html'}")


def untrained(cfg: Any) -> Any:
    """Build the model of a config with random weights, which are the same in every run."""
    import torch
    from detectron2.config import instantiate

    torch.manual_seed(cfg.train.seed)
    return instantiate(cfg.model)


def require_classes(path: Path, card: Any, names: tuple[str, ...]) -> None:
    """Require that the weights have the classes of the test set, if they list classes."""
    found = tuple(name for _, name, _ in card.classes) if card else names
    if found != names:
        odd = sorted(set(found) ^ set(names)) or ["the same in another order"]
        raise InputError(
            f"{path}: the classes differ from those of the test set: {', '.join(odd[:5])}"
        )
