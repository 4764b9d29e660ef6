"""Run a trained action detector over the test set of its config and measure it.

    python tools/test.py --config configs/finetune/jhmdb_slowfast_tiny.py \\
        --weights runs/finetune/model.safetensors --output runs/test --proposals boxes.csv

OUTPUT gets `detections.csv`, `ground_truth.csv`, `classes.pbtxt` (the evaluated ones) and
`result.json`: what tools/evaluate.py takes. Keyframes that cannot be read do not count, and are not
in `ground_truth.csv`; a tube ends before one and begins anew behind it.

A config is Python code and is run: use only those that you trust.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ava_det import cli
from ava_det.formats.nearest import meant
from ava_det.formats.outputs import outputs
from ava_det.structures import InputError

FILES = "detections.csv", "ground_truth.csv", "classes.pbtxt", "result.json", "unreadable.csv"
TUBES = "act", "multisports"  # protocols of video-mAP


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description="Run an action detector over a test set.")
    parser.add_argument("--config", required=True, help="the config that it was fine-tuned with")
    weights = parser.add_mutually_exclusive_group(required=True)
    weights.add_argument("--weights", type=Path, help="what tools/finetune.py left behind")
    weights.add_argument("--untrained", action="store_true", help="random weights, to compare with")
    parser.add_argument("--output", required=True, type=Path, help="folder of the results")
    parser.add_argument("--proposals", default="", help="csv of boxes to use, not the annotated")
    parser.add_argument(
        "--video-map",
        nargs="?",
        const="act",
        type=tube_protocol,
        metavar="act|multisports",
        help="link tubes, give their mAP too (default act)",
    )
    parser.add_argument(
        "--threshold", type=cli.fraction, help="least score of a proposal (default: the config's)"
    )
    parser.add_argument(
        "--features",
        type=Path,
        metavar="NPZ",
        help="write video, tick, box, feature of each person",
    )
    parser.add_argument("overrides", nargs="*", metavar="path.key=value", help="config overrides")
    return parser


def tube_protocol(text: str) -> str:
    """What `--video-map` means; an override that follows it is one of the overrides."""
    if text not in TUBES and "=" not in text:
        raise argparse.ArgumentTypeError(
            f"{text} is neither act nor multisports{meant(text, TUBES)}"
        )
    return text


def main(args: argparse.Namespace) -> None:
    """Predict, measure and write, unless another process does."""
    from ava_det.model.device import usable_device
    from ava_det.train.config import load_config

    if args.video_map and "=" in args.video_map:
        args.overrides, args.video_map = [args.video_map, *args.overrides], "act"
    cfg = load_config(args.config, args.overrides)
    usable_device(str(cfg.train.device), "train.device=")  # before anything is written
    loading = cfg.test.loader
    if args.threshold is not None:
        loading.records.threshold = args.threshold
    if args.proposals:
        loading.records.proposals = args.proposals
    if args.threshold is not None and not loading.records.proposals:
        parser().error("--threshold is of proposals: --proposals names them")
    files = [args.output / name for name in FILES] + [path for path in [args.features] if path]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
    with outputs(*files, overwrite=True):
        test(args, cfg)


def test(args: argparse.Namespace, cfg: Any) -> None:
    """Predict, measure and write what a config says."""
    import torch
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

    loading = cfg.test.loader
    unreadable = args.output / "unreadable.csv"
    unreadable.unlink(missing_ok=True)
    loading.unreadable_list = str(unreadable)
    torch.manual_seed(cfg.train.seed)
    model = load(args.weights, cfg) if args.weights else instantiate(cfg.model)
    loader, evaluator = instantiate(loading), instantiate(cfg.test.evaluator)
    progress = tqdm(loader, unit="batch")
    evaluators: list[DatasetEvaluator] = [evaluator]
    if args.features:
        evaluators.append(FeatureExport(args.features, model.head.projection))
    all_of_them = DatasetEvaluators(evaluators)
    model = laid_out(model, cfg.train)
    evaluate(model, instantiate(cfg.task), progress, all_of_them, cfg.test.amp)
    write_detections(args.output / "detections.csv", evaluator.table)
    write_ground_truth(args.output / "ground_truth.csv", evaluator.ground_truth)
    write_class_map(args.output / "classes.pbtxt", evaluator.evaluated)
    summary: dict[str, Any] = {"protocol": evaluator.protocol, "mAP": evaluator.result.mAP}
    summary["unreadable"] = len(loader.unreadable)
    summary["unreadable_keyframes"] = len(evaluator.unreadable)
    if summary["unreadable"]:
        print(f"{summary['unreadable']} videos are left out as unreadable: {unreadable}")
        left = f"{summary['unreadable_keyframes']} annotated keyframes of theirs do not count"
        print(f"{left}, and are not in ground_truth.csv")
    print(f"frame-mAP ({evaluator.protocol}): {100 * evaluator.result.mAP:.2f} %")
    if args.video_map:
        given = evaluator.ground_truth, evaluator.table, evaluator.evaluated
        tubes = video_map(*given, protocol=args.video_map).summary()
        summary["video_mAP"] = tubes
        for note in tube_notes(tubes):
            print(note, file=sys.stderr)
        print(video_table(tubes))
    with atomic_text(args.output / "result.json") as file:
        json.dump(summary, file)


def load(path: Path, cfg: Any) -> Any:
    """The model of a weight file, if it has the classes of the test set.

    Raises:
        InputError: it has others.
    """
    from detectron2.config import instantiate

    from ava_det.weights.native import load_model

    model, card = load_model(path)
    names = tuple(name for _, name, _ in card.classes)
    expected = tuple(instantiate(cfg.class_map).names.values())
    if names != expected:
        odd = sorted(set(names) ^ set(expected)) or ["the same in another order"]
        raise InputError(f"{path}: its classes are not those of the test set: {', '.join(odd[:5])}")
    return model
