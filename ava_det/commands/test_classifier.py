"""Run a trained classifier over the test set of its config and measure it, by any number of views.

    python tools/test_classifier.py --config configs/pretrain/jhmdb_slowfast_tiny.py \\
        --weights runs/pretrain/model.safetensors --output runs/test --views 10x3

The softmax of a video's views (clips x crops) is averaged. OUTPUT gets `result.json`,
`scores.csv.gz`, `report.html` with the confusion matrix and, where videos could not be read,
`unreadable.csv`. A config is Python code and is run: use only those that you trust.
"""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ava_det import cli
from ava_det.formats.outputs import outputs
from ava_det.structures import InputError

if TYPE_CHECKING:
    from ava_det.evaluation.recognition import RecognitionFigures, RecognitionResult
    from ava_det.train.tasks import Recognition

FILES = "result.json", "scores.csv.gz", "report.html", "unreadable.csv"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description="Run a classifier over a test set.")
    parser.add_argument("--config", required=True, help="the config that it was trained with")
    weights = parser.add_mutually_exclusive_group(required=True)
    weights.add_argument("--weights", type=Path, help="a weight file of any known format")
    weights.add_argument("--untrained", action="store_true", help="random weights, to compare with")
    parser.add_argument("--output", required=True, type=Path, help="folder of the results")
    parser.add_argument(
        "--views",
        type=views,
        metavar="CLIPSxCROPS",
        help="clips of a video and square crops of each; the config's own by default",
    )
    parser.add_argument("overrides", nargs="*", metavar="path.key=value", help="config overrides")
    return parser


def views(text: str) -> tuple[int, int]:
    """What `--views` means."""
    match = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no CLIPSxCROPS, such as 10x3 or 1x1")
    return int(match[1]), int(match[2])


def main(args: argparse.Namespace) -> None:
    """Predict, measure and write, unless another process does."""
    from detectron2.config import instantiate

    from ava_det.model.device import usable_device
    from ava_det.train.config import load_config
    from ava_det.train.tasks import Recognition

    cfg = load_config(args.config, args.overrides)
    usable_device(str(cfg.train.device), "train.device=")  # before anything is written
    task = instantiate(cfg.task) if "task" in cfg else None
    if not isinstance(task, Recognition):
        raise InputError(f"{args.config}: trains no classifier; tools/test.py tests detectors")
    args.output.mkdir(parents=True, exist_ok=True)
    with outputs(*(args.output / name for name in FILES), overwrite=True):
        test(args, cfg, task)


def test(args: argparse.Namespace, cfg: Any, task: "Recognition") -> None:
    """Predict, measure and write what a config says."""
    import torch
    from detectron2.config import instantiate
    from tqdm import tqdm

    from ava_det.model.cost import cost_of
    from ava_det.train.run import check_classes, evaluate, laid_out

    loading = cfg.test.loader
    if args.views:
        loading.mapper.clips, loading.mapper.crops = args.views
        loading.batch_size = max(1, loading.batch_size // args.views[1])
    (args.output / "unreadable.csv").unlink(missing_ok=True)
    loading.unreadable_list = str(args.output / "unreadable.csv")
    check_classes(task.num_classes, cfg)
    torch.manual_seed(cfg.train.seed)
    model = load(args.weights, cfg) if args.weights else instantiate(cfg.model)
    side = cfg.clip.short_side
    gmacs = cost_of(model, cfg.clip.frames, side, side).macs / 1e9
    evaluator = instantiate(cfg.test.evaluator)
    progress = tqdm(instantiate(loading), unit="batch")
    evaluate(laid_out(model, cfg.train), task, progress, evaluator, cfg.test.amp)
    names = list(instantiate(cfg.class_map).names.values())
    clips, crops = loading.mapper.clips, loading.mapper.crops or 1
    figures = figures_of(evaluator.result, names, clips, crops, gmacs)
    write(args.output, evaluator.result, figures)
    print(
        f"top-1 {100 * figures['top1']:.2f} %, top-5 {100 * figures['top5']:.2f} %, mean of the "
        f"classes {100 * figures['mean_class_accuracy']:.2f} % ({figures['videos']:,} videos, "
        f"{figures['unreadable']} left out as unreadable)"
    )
    print(f"{gmacs:.4g} GFLOPs (multiply-adds) x {clips * crops} views ({clips} x {crops})")
    print(f"report: {args.output / 'report.html'}")


def load(path: Path, cfg: Any) -> Any:
    """The config's model with the weights of a file.

    Raises:
        InputError: another model, or one that was trained on other classes.
    """
    from detectron2.config import instantiate

    from ava_det.weights.load import load_weights, read_file

    card = read_file(path).card
    expected = tuple(instantiate(cfg.class_map).names.values())
    if card and tuple(name for _, name, _ in card.classes) != expected:
        raise InputError(f"{path}: its classes are not those of {cfg.class_map.name}")
    model = instantiate(cfg.model)
    load_weights(path, model)
    return model.eval()


def figures_of(
    result: "RecognitionResult", names: list[str], clips: int, crops: int, gmacs: float
) -> "RecognitionFigures":
    """All figures of a test, by name."""
    import numpy as np

    top1, top5 = (
        [None if np.isnan(share) else float(share) for share in result.class_accuracy(k)]
        for k in (1, 5)
    )
    counts = result.videos_of_class().tolist()
    classes = zip(names, top1, top5, counts, strict=True)
    return {
        "top1": result.accuracy(1),
        "top5": result.accuracy(5),
        "mean_class_accuracy": result.mean_class_accuracy(),
        "videos": len(result.videos),
        "unreadable": len(result.unreadable),
        "clips": clips,
        "crops": crops,
        "gmacs": gmacs,
        "classes": {name: {"top1": a, "top5": b, "videos": n} for name, a, b, n in classes},
    }


def write(output: Path, result: "RecognitionResult", figures: "RecognitionFigures") -> None:
    """The files of a test."""
    from ava_det.evaluation.recognition import write_figures, write_scores
    from ava_det.report.page import write_page
    from ava_det.report.recognition import sections

    names = list(figures["classes"])
    write_figures(output / "result.json", figures)
    write_scores(output / "scores.csv.gz", result.videos, result.labels, result.scores, names)
    parts = sections(figures, result.confusion())
    write_page(output / "report.html", "Action recognition", str(output), parts)
