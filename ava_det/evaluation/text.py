"""Writes an evaluation as lines of text."""

import pandas as pd

from ava_det.evaluation.comparison import OtherRun, differences, shared_mean
from ava_det.evaluation.figures import Evaluation, VideoEvaluation
from ava_det.formats.ava_csv import has_box


def lines_of(
    result: Evaluation,
    recall: pd.DataFrame | None = None,
    other: OtherRun | None = None,
) -> list[str]:
    """Return all figures of an evaluation as lines for the terminal.

    Args:
        result: The figures.
        recall: The table of `proposal_recall`.
        other: A run to compare with.
    """
    lines = [class_table(result), *detector_lines(result)]
    if "video_mAP" in result:
        lines.append(video_table(result["video_mAP"]))
    if recall is not None:
        lines += ["", recall.to_string(index=False, float_format="{:.3f}".format)]
    if other:
        lines += ["", *comparison_lines(result, other)]
    return lines


def class_table(result: Evaluation) -> str:
    """Return the figures of every class and group, and last the mAP with the protocol."""
    width = max(len("class"), *map(len, result["AP"]))
    lines = [f"{'class':{width}}      AP  ground truth  detections"]
    for name, ap in result["AP"].items():
        counts = f"{result['ground_truth'][name]:>12,}  {result['detections'][name]:>10,}"
        lines.append(f"{name:{width}}  {_figure(ap):>6}  {counts}")
    lines.append("")
    for parts in (result.get("sizes", {}), result.get("crowds", {})):
        for name, part in parts.items():
            counts = f"{part['classes']} classes, {part['ground_truth']:,} labels"
            lines.append(f"{_mean_line(result, name, part['mAP'])} ({counts})")
    groups = result["groups"].items()
    lines += [_mean_line(result, f"{group} classes", ap) for group, ap in groups]
    lines.append(_mean_line(result, "", result["mAP"]))
    return "\n".join(lines)


def _mean_line(result: Evaluation, of: str, value: float | None) -> str:
    """Return a line with a mean of APs, always with the protocol."""
    name = f"frame-mAP@{result['iou_threshold']:g} ({result['protocol']})"
    return f"{name}{', ' * bool(of)}{of}: {_figure(value)}"


def detector_lines(result: Evaluation) -> list[str]:
    """Return lines on the mAP on annotated boxes, and on what the detector and the actions lose."""
    if "ground_truth_boxes" not in result:
        return []
    whole = result["ground_truth_boxes"]["mAP"]
    lost = f"lost to the person detector: {whole - result['mAP']:.4f}; to the actions: "
    return [_mean_line(result, "on annotated boxes", whole), f"{lost}{1 - whole:.4f}"]


def comparison_lines(result: Evaluation, other: OtherRun, most: int = 10) -> list[str]:
    """Return lines on the difference to another run, and on the classes that differ most.

    Args:
        result: The figures.
        other: The other run.
        most: The number of classes to list.
    """
    lines = [f"not comparable: {clause}" for clause in differences(result, other)]
    lines.append(f"against {other.name}: {_difference(result['mAP'], other.figures['mAP'])}")
    shared = shared_mean(result, other.figures)
    if shared:
        count, this, before = shared
        lines.append(f"over the classes of both ({count}): {_difference(this, before)}")
    changes = ap_changes(result, other.figures)
    lines += [f"  {change:+.4f} {name}" for name, change in changes[:most] if change]
    return lines


def _difference(this: float, before: float) -> str:
    return f"{this:.4f} - {before:.4f} = {this - before:+.4f}"


def ap_changes(result: Evaluation, other: Evaluation) -> list[tuple[str, float]]:
    """Return the classes with an AP in both runs and the differences, the largest first."""
    both = [
        (name, ap - before)
        for name, ap in result["AP"].items()
        if ap is not None and (before := other["AP"].get(name)) is not None
    ]
    return sorted(both, key=lambda item: -abs(item[1]))


def video_table(result: VideoEvaluation) -> str:
    """Return the number of tubes, and the video-mAP with the protocol."""
    kind = "linked here" if result["linked"] else "as given"
    truth, found = (sum(result[key].values()) for key in ("ground_truth", "detections"))
    lines = [f"tubes: {truth:,} in the ground truth, {found:,} detected ({kind})"]
    lines += [f"video-mAP@{k} ({result['protocol']}): {v:.4f}" for k, v in result["mAP"].items()]
    return "\n".join(lines)


def tube_notes(result: VideoEvaluation) -> list[str]:
    """Return notes on linked tubes that did not count, and on annotated tubes too short to find."""
    lines = [f"left out: {count:,} {reason}" for reason, count in result["left_out"].items()]
    if result["short"]:
        lines.append(
            f"{result['short']:,} of {sum(result['ground_truth'].values()):,} tubes of the ground "
            f"truth last less than the {result['least_ticks']} ticks that a linked tube has to: "
            "are all keyframes there?"
        )
    return lines


def notes(result: Evaluation, ground_truth: pd.DataFrame, detections: pd.DataFrame) -> list[str]:
    """Return a line for everything that did not count or may be a mistake."""
    lines = [f"left out: {count:,} {reason}" for reason, count in result["left_out"].items()]
    lines += tube_notes(result["video_mAP"]) if "video_mAP" in result else []
    if not has_box(detections).any():
        lines.append("nothing was detected: the results have no box")
    if result["unlisted"] and result["protocol"] != "activitynet":
        lines.append(
            f"counted as false by {result['protocol']!r}: {result['unlisted']:,} detections on "
            "keyframes that the ground truth does not list"
        )
    videos = set(detections["video"].unique())
    unknown = sorted(videos - set(ground_truth["video"].unique()))
    if unknown:
        names = ", ".join(unknown[:3]) + ", ..." * (len(unknown) > 3)
        lines.append(f"not in the ground truth: {len(unknown):,} videos of the detections: {names}")
    if unknown and len(unknown) == len(videos):
        lines.append(
            "no video is in both files: what tools/test.py detected goes with the ground_truth.csv "
            "that it wrote"
        )
    return lines


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
