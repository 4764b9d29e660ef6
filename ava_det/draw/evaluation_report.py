"""The sections of the page that shows an evaluation.

They are made of plain values: the figures as they are written to JSON, curves, tables.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ava_det.draw.markup import Html, escape, tag
from ava_det.draw.page import Bar, BoxOnPicture, Cell, grid, picture, section, table, tiles
from ava_det.draw.plots import Line, line_chart, small_curve
from ava_det.formats.ava_csv import BOX, has_box
from ava_det.formats.evaluation import Evaluation

Curve = tuple[np.ndarray, np.ndarray]

_PICTURE_NOTE = (
    "By the average precision of the keyframe's own detections. Dashed: annotated people; solid: "
    "detected ones, with their best-scored actions (✓ true, ✗ false)."
)


def sections(
    result: Evaluation,
    curves: Mapping[str, Curve],
    best: Sequence[Html] = (),
    worst: Sequence[Html] = (),
    metrics: Mapping[str, Curve] | None = None,
) -> list[Html]:
    """All sections.

    Args:
        result: the figures.
        curves: as for `curve_section`.
        best: pictures of the best keyframes, by `keyframe_picture`.
        worst: of the worst.
        metrics: as for `training_section`, of the run that made the detections.
    """
    parts = [overview(result), class_section(result), curve_section(result, curves)]
    parts += [section("Best keyframes", grid(*best), note=_PICTURE_NOTE)] if best else []
    parts += [section("Worst keyframes", grid(*worst), note=_PICTURE_NOTE)] if worst else []
    parts += [training_section(metrics)] if metrics else []
    parts += [left_out_section(result)] if result["left_out"] else []
    return parts


def overview(result: Evaluation) -> Html:
    """The figures that matter, in large."""
    known = [name for name, ap in result["AP"].items() if ap is not None]
    groups = [(name, ap) for name, ap in result["groups"].items() if ap is not None]
    return tiles(
        [
            (
                f"frame-mAP@{result['iou_threshold']:g}, {result['protocol']}",
                f"{result['mAP']:.4f}",
            ),
            *((f"{name} classes", f"{ap:.4f}") for name, ap in groups),
            ("classes with ground truth", f"{len(known)}/{len(result['AP'])}"),
            ("ground-truth labels", f"{sum(result['ground_truth'].values()):,}"),
            ("detections counted", f"{sum(result['detections'].values()):,}"),
        ]
    )


def class_section(result: Evaluation) -> Html:
    """The table of classes, best first."""
    ranked = sorted(
        result["AP"].items(), key=lambda item: -1.0 if item[1] is None else item[1], reverse=True
    )
    rows: list[list[Cell]] = [
        [
            name,
            None if ap is None else Bar(ap),
            result["ground_truth"][name],
            result["detections"][name],
        ]
        for name, ap in ranked
    ]
    columns = ["class", "average precision", "ground truth", "detections"]
    return section(
        "Classes", table(columns, rows), note="A class without ground truth has no AP (a dash)."
    )


def curve_section(result: Evaluation, curves: Mapping[str, Curve]) -> Html:
    """Precision (upwards) over recall of every class.

    Args:
        result: the evaluation.
        curves: (n,) precision and (n,) recall of classes by name; precision is the envelope.
    """
    names = sorted(curves, key=lambda name: -(result["AP"][name] or 0))
    small = [small_curve(name, f"{result['AP'][name]:.3f}", *curves[name][::-1]) for name in names]
    note = "Recall to the right, precision (its monotone envelope) upwards; the area is the AP."
    return section("Precision and recall", grid(*small, small=True), note=note)


def left_out_section(result: Evaluation) -> Html:
    """What did not count, and why."""
    rows: list[list[Cell]] = [[reason, count] for reason, count in result["left_out"].items()]
    return section("Left out", table(["rows", "how many"], rows))


def training_section(metrics: Mapping[str, Curve]) -> Html:
    """The curves of a training run.

    Args:
        metrics: name -> (n,) iterations and (n,) values, as `formats.metrics` reads them. Losses go
            into one chart; what evaluations on the way have measured ("task/figure") gets its own.
    """
    losses = [Line(name, *curve) for name, curve in metrics.items() if "loss" in name]
    total = [line for line in losses if line.name == "total_loss"]
    parts = total + [line for line in losses if line.name != "total_loss"]
    if len(parts) == 2:  # one loss and its total are the same line
        parts = total or parts
    charts = [line_chart(parts, "iteration", "loss")] if parts else []
    charts += [
        line_chart([Line(name, *curve)], "iteration", name)
        for name, curve in metrics.items()
        if "/" in name
    ]
    if "lr" in metrics:
        charts.append(line_chart([Line("lr", *metrics["lr"])], "iteration", "learning rate"))
    return section("Training", grid(*charts))


def keyframe_picture(
    image: np.ndarray,
    title: str,
    truth: pd.DataFrame,
    found: pd.DataFrame,
    names: Mapping[int, str],
    labels: int = 3,
) -> Html:
    """A keyframe with its annotated and detected people, and what was said of them.

    Args:
        image: (H, W, 3) uint8 RGB.
        title: which keyframe, and how well it went.
        truth: its rows of ground truth that counted.
        found: its detections that counted, with a bool column `hit`.
        names: of the classes.
        labels: how many of a detected person's actions are listed, by score.
    """
    truth = truth[has_box(truth)]
    lines = [tag("p", title), tag("p", tag("b", "annotated"), _annotated(truth, names))]
    boxes = []
    best_first = found.sort_values("score", ascending=False, kind="stable")
    for mark, (box, rows) in enumerate(best_first.groupby(BOX, sort=False), 1):
        boxes.append(BoxOnPicture(np.array(box), str(mark)))
        said = zip(*(rows[k].tolist()[:labels] for k in ("action", "score", "hit")), strict=True)
        chips = [_chip(names[action], score, hit) for action, score, hit in said]
        lines.append(tag("p", tag("b", mark), *chips))
    # Annotated boxes last: dashed, they do not hide a detected one in the same place.
    boxes += [BoxOnPicture(box, truth=True) for box in _boxes(truth)]
    return picture(image, boxes, escape(*lines))


def _boxes(rows: pd.DataFrame) -> Sequence[np.ndarray]:
    return list(np.asarray(rows[BOX].drop_duplicates()))


def _annotated(truth: pd.DataFrame, names: Mapping[int, str]) -> str:
    counts = Counter(names[action] for action in truth["action"].tolist())
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in counts.items())


def _chip(name: str, score: float, hit: bool) -> Html:
    sign, kind = ("✓", "good") if hit else ("✗", "bad")
    return tag("span", tag("span", sign, class_=kind), f" {name} {score:.2f}", class_="chip")
