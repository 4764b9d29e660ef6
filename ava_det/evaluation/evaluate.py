"""Computes all figures of a table of results."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ava_det.evaluation.comparison import OtherRun
from ava_det.evaluation.figures import Evaluation, read_evaluation
from ava_det.evaluation.frame_map import FrameMap, frame_map
from ava_det.evaluation.matching import FRAME_PROTOCOLS
from ava_det.evaluation.video_map import video_map
from ava_det.formats.atomic import StrPath, text_suffix
from ava_det.formats.ava_csv import read_detections, read_ground_truth, require_common
from ava_det.formats.ava_rows import MOST_ROWS
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.formats.nearest import meant
from ava_det.structures import InputError, Keyframe


@dataclass(frozen=True, eq=False)
class EvaluationRules:
    """How to evaluate a table of results.

    Attributes:
        class_map: The classes to evaluate.
        protocol: A key of `matching.FRAME_PROTOCOLS`.
        excluded: The keyframes that do not count.
        iou_threshold: The overlap from which a detection is true.
        tubes: A key of `video_map.VIDEO_PROTOCOLS`, to measure video-mAP too.
        per_second: Ticks per second of files that have times, as for `read_ground_truth`.
    """

    class_map: ClassMap
    protocol: str
    excluded: list[Keyframe] | None = None
    iou_threshold: float = 0.5
    tubes: str | None = None
    per_second: int | None = None


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The evaluation of a table of results.

    Attributes:
        ground_truth: The table of annotations.
        detections: The table of results.
        result: The frame-mAP.
        figures: The figures, in the form of the JSON file.
    """

    ground_truth: pd.DataFrame
    detections: pd.DataFrame
    result: FrameMap
    figures: Evaluation


def evaluate(
    results: StrPath | pd.DataFrame,
    ground_truth: StrPath | pd.DataFrame,
    class_map: StrPath | ClassMap | None = None,
    protocol: str = "activitynet",
) -> Evaluated:
    """Measure action detections: frame-mAP, and its breakdowns by the size and number of people.

    >>> from ava_det import evaluate
    >>> evaluated = evaluate("results.csv", "annotations.csv", "classes.pbtxt")
    >>> round(evaluated.figures["mAP"], 3), evaluated.figures["AP"]["wave"]
    (0.75, 1.0)

    Args:
        results: AVA's result rows in a csv file, or a table with the columns of
            `ava_det.formats.ava_csv`, including `score`.
        ground_truth: AVA's annotations in a csv file, or such a table.
        class_map: The classes to evaluate, or a pbtxt or csv file of them. None evaluates all
            classes of the ground truth, named `action 1` and so on.
        protocol: "activitynet", the official protocol, or "uncapped", which PySlowFast uses.

    Raises:
        InputError: A file cannot be used, the files have nothing in common, or no row of the ground
            truth counts.
        ValueError: The protocol is unknown.
    """
    if protocol not in FRAME_PROTOCOLS:
        known = " or ".join(map(repr, FRAME_PROTOCOLS)) + meant(protocol, FRAME_PROTOCOLS)
        raise ValueError(f"protocol {protocol!r} is not {known}")
    truth, found, names = ground_truth, results, ["ground truth", "results"]
    if not isinstance(truth, pd.DataFrame):
        names[0], truth = str(truth), read_ground_truth(truth)
    if not isinstance(found, pd.DataFrame):
        names[1], found = str(found), read_detections(found)
    if class_map is None:
        classes = classes_of(truth, names[0])
    else:
        classes = class_map if isinstance(class_map, ClassMap) else read_class_map(class_map)
    for table, name in ((truth, names[0]), (found, names[1])):
        require_common(table, classes, name)
    return evaluate_tables(truth, found, EvaluationRules(classes, protocol), (names[0], names[1]))


def evaluate_tables(
    ground_truth: pd.DataFrame,
    detections: pd.DataFrame,
    rules: EvaluationRules,
    sources: tuple[StrPath, StrPath] = ("ground truth", "detections"),
) -> Evaluated:
    """Compute frame-mAP, breakdowns by size and crowd and, if the rules have tubes, video-mAP.

    Args:
        ground_truth: A table of annotations.
        detections: A table with scores.
        rules: The rules of the evaluation.
        sources: Names of the tables for messages.

    Raises:
        InputError: No row of the ground truth counts, or person ids do not separate tubes.
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
    results: Path,
    ground_truth: pd.DataFrame,
    ground_truth_path: Path,
    rules: EvaluationRules,
    held: int = 0,
) -> Evaluated:
    """Evaluate a file of AVA result rows.

    Args:
        results: The file.
        ground_truth: A table of annotations.
        ground_truth_path: The file of the annotations, for messages.
        rules: The rules of the evaluation.
        held: The number of rows of other tables that the caller keeps in memory.

    Raises:
        InputError: A file cannot be used, or there are too many rows.
    """
    found = read_detections(results, rules.per_second)
    require_few_rows(results, held + len(ground_truth) + len(found))
    require_common(found, rules.class_map, results)
    return evaluate_tables(ground_truth, found, rules, (ground_truth_path, results))


def require_few_rows(path: StrPath, rows: int) -> None:
    """Refuse more rows of all tables together than memory holds; `path` is the last table.

    Raises:
        InputError: There are more than `MOST_ROWS`.
    """
    if rows > MOST_ROWS:
        raise InputError(
            f"{path}: with it, the tables have {rows:,} rows, and {MOST_ROWS:,} fit into memory: "
            "leave out rows with low scores"
        )


def other_run(
    path: Path,
    ground_truth: pd.DataFrame,
    ground_truth_path: Path,
    rules: EvaluationRules,
    held: int = 0,
) -> OtherRun:
    """Read another run: figures from a json file, or all of the run from result rows."""
    if text_suffix(path) == ".json":
        return OtherRun(str(path), read_evaluation(path))
    done = evaluate_file(path, ground_truth, ground_truth_path, rules, held)
    return OtherRun(str(path), done.figures, done.result.curves())


def classes_of(ground_truth: pd.DataFrame, source: StrPath = "ground truth") -> ClassMap:
    """Return a class map of all ids in a table of annotations, named by number.

    Raises:
        InputError: No row has an action. The message names `source`.
    """
    actions = ground_truth["action"]
    ids = sorted(int(action) for action in actions[actions > 0].unique())
    if not ids:
        raise InputError(f"{source}: no row has an action")
    return ClassMap({i: f"action {i}" for i in ids})
