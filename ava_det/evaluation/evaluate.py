"""All the figures of a table of results at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.evaluation.comparison import OtherRun
from ava_det.evaluation.figures import Evaluation, read_evaluation
from ava_det.evaluation.frame_map import FrameMap, frame_map
from ava_det.evaluation.video_map import video_map
from ava_det.formats.atomic import StrPath, text_suffix
from ava_det.formats.ava_csv import read_detections, require_common
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError, Keyframe


@dataclass(frozen=True, eq=False)
class EvaluationRules:
    """How to evaluate a table of results.

    Attributes:
        class_map: The classes to evaluate.
        protocol: Key of `matching.FRAME_PROTOCOLS`.
        excluded: Keyframes that do not count.
        iou_threshold: The overlap from which a detection is true.
        tubes: Key of `video_map.VIDEO_PROTOCOLS`, to measure video-mAP too.
        per_second: Ticks a second of files that have times, as for `read_ground_truth`.
    """

    class_map: ClassMap
    protocol: str
    excluded: list[Keyframe] | None = None
    iou_threshold: float = 0.5
    tubes: str | None = None
    per_second: int | None = None


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A table of results, measured.

    Attributes:
        ground_truth: the table.
        detections: the table.
        result: the frame-mAP.
        figures: as they are written.
    """

    ground_truth: pd.DataFrame
    detections: pd.DataFrame
    result: FrameMap
    figures: Evaluation


def evaluate(
    ground_truth: pd.DataFrame,
    detections: pd.DataFrame,
    rules: EvaluationRules,
    sources: tuple[StrPath, StrPath] = ("ground truth", "detections"),
) -> Evaluated:
    """Frame-mAP, its breakdowns by size and crowd and, where asked for, video-mAP.

    Args:
        ground_truth: table of annotations.
        detections: table with scores.
        rules: of the evaluation.
        sources: what the tables are called in messages.

    Raises:
        InputError: no row of the ground truth counts, or tubes cannot be told apart.
    """
    classes = rules.class_map
    result = frame_map(
        ground_truth,
        detections,
        classes,
        protocol=rules.protocol,
        excluded=rules.excluded,
        iou_threshold=rules.iou_threshold,
    )
    if not any(result.ground_truth.values()):
        raise InputError(f"{sources[0]}: no row of an evaluated class counts")
    figures = result.summary()
    if rules.tubes:
        given = ground_truth, detections, classes
        tubes = video_map(*given, protocol=rules.tubes, sources=sources)
        figures["video_mAP"] = tubes.summary()
    return Evaluated(ground_truth, detections, result, figures)


def evaluate_file(
    results: Path, ground_truth: pd.DataFrame, ground_truth_path: Path, rules: EvaluationRules
) -> Evaluated:
    """Evaluate a file of AVA result rows.

    Raises:
        InputError: one of the files cannot be used.
    """
    found = read_detections(results, rules.per_second)
    require_common(found, rules.class_map, results)
    return evaluate(ground_truth, found, rules, (ground_truth_path, results))


def other_run(
    path: Path, ground_truth: pd.DataFrame, ground_truth_path: Path, rules: EvaluationRules
) -> OtherRun:
    """Another run: its figures, from the json that has them, or all of it, from its results."""
    if text_suffix(path) == ".json":
        return OtherRun(str(path), read_evaluation(path))
    done = evaluate_file(path, ground_truth, ground_truth_path, rules)
    return OtherRun(str(path), done.figures, done.result.curves())


def classes_of(actions: Iterable[int]) -> ClassMap:
    """A class map for people who have none: the ids that there are, by number."""
    ids = sorted({int(action) for action in np.unique(np.asarray(list(actions))) if action > 0})
    return ClassMap({i: f"action {i}" for i in ids})
