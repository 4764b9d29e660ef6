"""Writes the page of an evaluation, from the results of `evaluate` and the drawings of `draw`."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ava_det.evaluation.best_and_worst import best_and_worst, keyframe_precision
from ava_det.evaluation.breakdown import confusion, of_classes, score_histograms
from ava_det.evaluation.comparison import OtherRun
from ava_det.evaluation.evaluate import Evaluated
from ava_det.evaluation.frame_map import HIT, LEFT_OUT
from ava_det.formats.class_map import ClassMap
from ava_det.report.evaluation_sections import Report, sections, shown_classes
from ava_det.report.keyframe_picture import keyframe_picture
from ava_det.report.markup import Html
from ava_det.report.page import write_page
from ava_det.structures import InputError

Pictures = Callable[[str, int], np.ndarray]

logger = logging.getLogger(__name__)


def write_report(
    path: Path,
    subtitle: str,
    this: Evaluated,
    class_map: ClassMap,
    *,
    pictures: Pictures | None = None,
    count: int = 6,
    other: OtherRun | None = None,
    recall: pd.DataFrame | None = None,
    metrics: dict[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> None:
    """Write the page, atomically.

    Args:
        path: The HTML file.
        subtitle: The evaluated file and the ground truth.
        this: The evaluation.
        class_map: The evaluated classes.
        pictures: Returns the frame (H, W, 3) of a video and a tick; None shows no pictures.
        count: The number of best keyframes, and of worst keyframes, to show.
        other: A run to compare with.
        recall: The table of `proposal_recall`.
        metrics: The curves of the training run, from `formats.training_log`.
    """
    names = list(class_map.names.values())
    edges, histograms = score_histograms(this.result.rows, names)
    shown = set(shown_classes(this.figures))
    rows = of_classes(this.result.rows, np.array([name in shown for name in names]))
    best, worst = looked_up(this, class_map, pictures, count) if pictures else ([], [])
    report = Report(
        result=this.figures,
        groups={class_map.names[i]: group for i, group in class_map.groups.items()},
        curves=this.result.curves(),
        edges=edges,
        histograms={
            name: histograms[name] for name in histograms if this.figures["ground_truth"][name]
        },
        confusion=confusion(rows, len(shown), this.result.iou_threshold),
        best=best,
        worst=worst,
        other=other,
        recall=recall,
        metrics=metrics,
    )
    write_page(path, "Action detection: frame-mAP", subtitle, sections(report))


def looked_up(
    this: Evaluated, class_map: ClassMap, pictures: Pictures, count: int
) -> tuple[list[Html], list[Html]]:
    """Return pictures of the best and the worst keyframes whose videos can be read."""
    result = this.result
    precision = keyframe_precision(this.ground_truth, result)
    truth = this.ground_truth[result.counted]
    found = this.detections.assign(hit=result.outcome == HIT)[result.outcome != LEFT_OUT]

    def drawn(chosen: pd.DataFrame) -> Iterator[Html]:
        for video, tick, ap in zip(chosen["video"], chosen["tick"], chosen["ap"], strict=True):
            try:
                image = pictures(video, tick)
            except InputError as error:
                logger.warning("no picture of %s, tick %s: %s", video, tick, error)
                continue
            here, said = (t[(t["video"] == video) & (t["tick"] == tick)] for t in (truth, found))
            title = f"{video}, tick {tick}: AP {ap:.2f}"
            yield keyframe_picture(image, title, here, said, class_map.names)

    best, worst = best_and_worst(precision, count)
    return list(drawn(best)), list(drawn(worst))
