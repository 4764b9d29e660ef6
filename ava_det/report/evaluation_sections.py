"""Makes the sections of the page that shows an evaluation.

The inputs are plain values: the figures of the JSON file, curves, tables.

"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ava_det.evaluation.comparison import OtherRun, Pair, differences, means, tube_differences
from ava_det.evaluation.figures import Evaluation, VideoEvaluation
from ava_det.report.markup import Html
from ava_det.report.page import Bar, Cell, Change, Count, grid, section, table, tiles
from ava_det.report.plots import Line, heat_map, line_chart, small_curve, small_histogram

MOST_CLASSES = 200  # that a page shows
MOST_GROUPS = 30
Curve = tuple[np.ndarray, np.ndarray]

_PICTURE_NOTE = (
    "By the average precision of the keyframe's own detections. Dashed: annotated people; solid: "
    "detected ones, with their best-scored actions (✓ true, ✗ false)."
)


@dataclass(frozen=True, eq=False)
class Report:
    """The content of a page; K classes.

    Attributes:
        result: The figures.
        groups: From a class to its group. Classes without a group are missing.
        curves: The same as for `curve_section`.
        edges: The same as for `histogram_section`.
        histograms: The same as for `histogram_section`.
        confusion: The same as for `confusion_sections`, of the classes of `shown_classes`.
        best: The pictures of the best keyframes, from `keyframe_picture`.
        worst: The pictures of the worst keyframes, from `keyframe_picture`.
        other: A run to compare with.
        recall: The share of people that proposals cover, a row for each score threshold.
        metrics: The same as for `training_section`, of the run that made the detections.
    """

    result: Evaluation
    groups: Mapping[str, str]
    curves: Mapping[str, Curve]
    edges: np.ndarray
    histograms: Mapping[str, Curve]
    confusion: np.ndarray
    best: Sequence[Html] = ()
    worst: Sequence[Html] = ()
    other: OtherRun | None = None
    recall: pd.DataFrame | None = None
    metrics: Mapping[str, Curve] | None = None


def sections(report: Report) -> list[Html]:
    """Return all sections of the page."""
    result, other = report.result, report.other
    parts = [overview(result, other), *part_sections(result)]
    names = shown_classes(result)
    left_out = len(result["AP"]) - len(names)
    some = result.copy()
    some["AP"] = {name: result["AP"][name] for name in names}
    parts.append(class_section(some, report.groups, left_out))
    parts += [comparison_section(result, other)] if other else []
    parts += [tube_section(result["video_mAP"])] if "video_mAP" in result else []
    curves = {name: report.curves[name] for name in names if name in report.curves}
    histograms = {name: report.histograms[name] for name in names if name in report.histograms}
    parts.append(curve_section(some, curves, other))
    parts.append(histogram_section(report.edges, histograms))
    parts += confusion_sections(names, report.confusion)
    best, worst = report.best, report.worst
    parts += [section("Best keyframes", grid(*best), note=_PICTURE_NOTE)] if best else []
    parts += [section("Worst keyframes", grid(*worst), note=_PICTURE_NOTE)] if worst else []
    parts += [recall_section(report.recall)] if report.recall is not None else []
    parts += [training_section(report.metrics)] if report.metrics else []
    parts += [left_out_section(result)] if result["left_out"] else []
    return parts


def shown_classes(result: Evaluation) -> list[str]:
    """Return the classes that a page shows, in their order: all of them, or the most frequent ones.

    The most frequent classes are those with the most ground truth (of equal ones, with the most
    detections). No browser opens a page with thousands of classes.
    """
    names = list(result["AP"])
    if len(names) <= MOST_CLASSES:
        return names
    truth, found = result["ground_truth"], result["detections"]
    most = sorted(names, key=lambda name: (-truth[name], -found[name]))[:MOST_CLASSES]
    kept = set(most)
    return [name for name in names if name in kept]


def _more(count: int) -> str:
    """Return a note that counts the classes the page omits."""
    return f" {count:,} more classes are not on this page; --json writes all." if count else ""


def overview(result: Evaluation, other: OtherRun | None = None) -> Html:
    """Show the most important figures in large type."""
    known = [name for name, ap in result["AP"].items() if ap is not None]
    groups = [(name, ap) for name, ap in result["groups"].items() if ap is not None]
    more = [("more groups", f"{len(groups) - MOST_GROUPS:,}")] if len(groups) > MOST_GROUPS else []
    title = f"frame-mAP@{result['iou_threshold']:g}, {result['protocol']}"
    figures = [(title, f"{result['mAP']:.4f}")]
    if other:
        change = f"{result['mAP'] - other.figures['mAP']:+.4f}"
        told = "not comparable" if differences(result, other) else change
        figures.append(("against the other run", told))
    if "ground_truth_boxes" in result:
        whole = result["ground_truth_boxes"]["mAP"]
        figures.append(("on annotated boxes", f"{whole:.4f}"))
        figures.append(("lost to the person detector", f"{whole - result['mAP']:.4f}"))
    if "video_mAP" in result:
        tubes = result["video_mAP"]
        figures += [(f"video-mAP@{k}", f"{v:.4f}") for k, v in tubes["mAP"].items()]
    return tiles(
        [
            *figures,
            *((f"{name} classes", f"{ap:.4f}") for name, ap in groups[:MOST_GROUPS]),
            *more,
            ("classes with ground truth", f"{len(known)}/{len(result['AP'])}"),
            ("ground-truth labels", f"{sum(result['ground_truth'].values()):,}"),
            ("detections counted", f"{sum(result['detections'].values()):,}"),
        ]
    )


def class_section(
    result: Evaluation, groups: Mapping[str, str] | None = None, left_out: int = 0
) -> Html:
    """Make the table of classes, best first; `left_out` is the number of classes not shown."""
    ranked = sorted(
        result["AP"].items(), key=lambda item: -1.0 if item[1] is None else item[1], reverse=True
    )
    columns = ["class", "average precision", "ground truth", "detections"]
    rows: list[list[Cell]] = [
        [name, _bar(ap), result["ground_truth"][name], result["detections"][name]]
        for name, ap in ranked
    ]
    if "ground_truth_boxes" in result:
        columns.insert(2, "on annotated boxes")
        for row, (name, _) in zip(rows, ranked, strict=True):
            row.insert(2, result["ground_truth_boxes"]["AP"].get(name))
    if groups:
        columns.insert(1, "group")
        for row, (name, _) in zip(rows, ranked, strict=True):
            row.insert(1, groups.get(name))
    note = f"A class without ground truth has no AP (a dash).{_more(left_out)}"
    return section("Classes", table(columns, rows), note=note)


def _bar(ap: float | None) -> Bar | None:
    return None if ap is None else Bar(ap)


def comparison_section(result: Evaluation, other: OtherRun) -> Html:
    """Show both runs side by side: all means, then the classes, the largest change first."""
    note = f"This run against {other.name}."
    clauses = differences(result, other) + tube_differences(result, other)
    note += f" They do not compare: {'; '.join(clauses)}." if clauses else ""
    before = other.figures["AP"]
    classes = {
        label: (result["AP"].get(label), before.get(label)) for label in result["AP"] | before
    }
    columns = ["this run", "the other", "change"]
    mean_rows = _side_by_side(means(result, other.figures))
    rows = _side_by_side(classes)
    rows.sort(key=lambda row: -abs(row[3].value) if isinstance(row[3], Change) else 1)
    note += _more(max(0, len(rows) - MOST_CLASSES))
    mean_table = table(["mAP", *columns], mean_rows[:MOST_CLASSES])
    class_table = table(["class", *columns], rows[:MOST_CLASSES])
    return section("Comparison", mean_table, class_table, note=note)


def _side_by_side(pairs: Mapping[str, Pair]) -> list[list[Cell]]:
    """Make a row of each pair with a value: name, both values, change."""
    rows: list[list[Cell]] = []
    for name, (this, other) in pairs.items():
        if this is not None or other is not None:
            change = None if this is None or other is None else Change(this - other)
            rows.append([name, _bar(this), _bar(other), change])
    return rows


def part_sections(result: Evaluation) -> list[Html]:
    """Show mAP by the size of people and by the number of people on a keyframe."""
    notes = {
        "sizes": "Sizes as in COCO, with bounds of 32 and 96 pixels in a frame of 640 x 480: "
        "small is below 1/300 of the area of the frame, large is from 3 % on. "
        "People of other sizes are neither missed nor false.",
        "crowds": "By the annotated people of a keyframe.",
    }
    parts = []
    sizes, crowds = result.get("sizes", {}), result.get("crowds", {})
    titles = {"sizes": "Size of people", "crowds": "People on a keyframe"}
    for key, by_name in (("sizes", sizes), ("crowds", crowds)):
        rows: list[list[Cell]] = [
            [name, _bar(part["mAP"]), part["classes"], part["ground_truth"], part["detections"]]
            for name, part in by_name.items()
        ]
        columns = ["people", "mAP", "classes", "ground truth", "detections"]
        parts += [section(titles[key], table(columns, rows), note=notes[key])] if rows else []
    return parts


def tube_section(result: VideoEvaluation) -> Html:
    """Show the AP of tubes."""
    kind = "linked from the boxes" if result["linked"] else "as given"
    note = f"Protocol {result['protocol']}; detected tubes are {kind}. The figure is the overlap."
    note += "".join(f" Left out: {n:,} {reason}." for reason, n in result["left_out"].items())
    if result["short"]:
        least = result["least_ticks"]
        note += f" Annotated tubes of less than {least} ticks, which cannot be linked: "
        note += f"{result['short']:,}."
    names = sorted(result["ground_truth"], key=lambda name: -result["ground_truth"][name])
    kept = set(names[:MOST_CLASSES])
    note += _more(len(names) - len(kept))
    shown = ["0.2", "0.5", "0.75"]
    rows: list[list[Cell]] = [
        [
            name,
            _bar(result["AP"]["0.5"][name]),
            *(result["AP"][t][name] for t in shown if t != "0.5"),
            result["ground_truth"][name],
            result["detections"][name],
        ]
        for name in result["ground_truth"]
        if name in kept
    ]
    columns = ["class", "AP@0.5", "AP@0.2", "AP@0.75", "annotated tubes", "detected tubes"]
    return section("Tubes", table(columns, rows), note=note)


def histogram_section(edges: np.ndarray, histograms: Mapping[str, Curve]) -> Html:
    """Show the distribution of the scores of true and false detections.

    Args:
        edges: (n + 1,) the edges of the bins.
        histograms: From a class to (n,) the numbers of true and (n,) of false detections.
    """
    low, high = float(edges[0]), float(edges[-1])
    note = (
        f"Scores from {low:g} to {high:g} to the right, how many upwards (logarithmic): true ones "
        "in colour, false ones grey; the figures are all true / all false ones."
    )
    small = [small_histogram(name, edges, *counts) for name, counts in histograms.items()]
    return section("Scores", grid(*small, small=True), note=note)


def confusion_sections(names: Sequence[str], matrix: np.ndarray, most: int = 12) -> list[Html]:
    """Show the actions of people for whom another action is detected.

    Args:
        names: The names of the K classes.
        matrix: (K, K + 1) false detections, from `evaluation.breakdown.confusion`.
        most: The number of pairs to list.
    """
    there = np.flatnonzero(matrix.sum(axis=1) > 0)
    if not len(there):
        return []
    columns = [*names, "nobody"]
    used = np.flatnonzero(matrix.sum(axis=0) > 0)
    note = (
        "For a class with n annotations, the false ones among the n best detections. A row is the "
        "detected class, a column what the person at this place does. The class itself means that "
        "an earlier detection has found this person. Nobody means that no person is annotated at "
        "this place. The shade of a cell is the share of the row."
    )
    shown = heat_map(
        [names[k] for k in there.tolist()],
        [columns[k] for k in used.tolist()],
        matrix[np.ix_(there, used)],
    )
    pairs = np.dstack(np.unravel_index(np.argsort(-matrix, axis=None), matrix.shape))[0][:most]
    rows: list[list[Cell]] = [
        [names[i], columns[j], Count(matrix[i, j]), Bar(matrix[i, j] / matrix[i].sum())]
        for i, j in pairs.tolist()
        if matrix[i, j] > 0
    ]
    pair_table = table(["detected", "in truth", "how often", "of the errors of the class"], rows)
    return [section("Errors", pair_table, shown, note=note)]


def recall_section(recall: pd.DataFrame) -> Html:
    """Show how many of the annotated people the proposals cover."""
    note = (
        "The share of annotated people that a proposal of at least this score overlaps by this IoU."
    )
    rows = [list(row) for row in recall.itertuples(index=False, name=None)]
    return section("Proposals", table([str(k) for k in recall.columns], rows), note=note)


def curve_section(
    result: Evaluation, curves: Mapping[str, Curve], other: OtherRun | None = None
) -> Html:
    """Show the curve of precision (y axis) over recall (x axis) of every class.

    Args:
        result: The evaluation.
        curves: (n,) precision and (n,) recall of classes by name. The precision is the envelope.
        other: A run to compare with. Its curves, if known, are drawn as lines over these.
    """
    names = sorted(curves, key=lambda name: -(result["AP"][name] or 0))
    before = other.curves if other else {}
    small = []
    for name in names:
        figure = f"{result['AP'][name]:.3f}"
        precision, recall = curves[name]
        line = before[name][::-1] if name in before else None
        small.append(small_curve(name, figure, recall, precision, line))
    note = "Recall to the right, monotone envelope of the precision upwards. The area is the AP."
    note += f" The line is {other.name}." if other and before else ""
    return section("Precision and recall", grid(*small, small=True), note=note)


def left_out_section(result: Evaluation) -> Html:
    """List the rows that did not count, with the reasons."""
    rows: list[list[Cell]] = [[reason, count] for reason, count in result["left_out"].items()]
    return section("Left out", table(["rows", "how many"], rows))


def training_section(metrics: Mapping[str, Curve]) -> Html:
    """Draw the curves of a training run.

    Args:
        metrics: From a name to (n,) iterations and (n,) values, as `formats.training_log` reads
            them. All losses share one chart. Each figure that was evaluated during training
            ("task/figure") has a chart of its own.
    """
    losses = [Line(name, *curve) for name, curve in metrics.items() if "loss" in name]
    total = [line for line in losses if line.name == "total_loss"]
    parts = total + [line for line in losses if line.name != "total_loss"]
    if len(parts) == 2:  # a single loss equals the total
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
