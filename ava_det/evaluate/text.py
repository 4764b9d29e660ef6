"""An evaluation as lines of text."""

import pandas as pd

from ava_det.formats.evaluation import Evaluation, VideoEvaluation


def class_table(result: Evaluation) -> str:
    """The figures of every class and group, and last the mAP with its protocol."""
    width = max(len("class"), *map(len, result["AP"]))
    lines = [f"{'class':{width}}      AP  ground truth  detections"]
    for name, ap in result["AP"].items():
        counts = f"{result['ground_truth'][name]:>12,}  {result['detections'][name]:>10,}"
        lines.append(f"{name:{width}}  {_figure(ap):>6}  {counts}")
    lines.append("")
    lines += [f"{group} classes: {_figure(ap)}" for group, ap in result["groups"].items()]
    lines.append(
        f"frame-mAP@{result['iou_threshold']:g} ({result['protocol']}): {result['mAP']:.4f}"
    )
    return "\n".join(lines)


def video_table(result: VideoEvaluation) -> str:
    """How many tubes there are, and the video-mAP with its protocol."""
    kind = "linked here" if result["linked"] else "as given"
    truth, found = (sum(result[key].values()) for key in ("ground_truth", "detections"))
    lines = [f"tubes: {truth:,} in the ground truth, {found:,} detected ({kind})"]
    lines += [f"video-mAP@{k} ({result['protocol']}): {v:.4f}" for k, v in result["mAP"].items()]
    return "\n".join(lines)


def notes(result: Evaluation, ground_truth: pd.DataFrame, detections: pd.DataFrame) -> list[str]:
    """A line for everything that did not count or may be a mistake."""
    lines = [f"left out: {count:,} {reason}" for reason, count in result["left_out"].items()]
    if result["unlisted"] and result["protocol"] != "activitynet":
        lines.append(
            f"counted as false by {result['protocol']!r}: {result['unlisted']:,} detections on "
            "keyframes that the ground truth does not list"
        )
    unknown = sorted(set(detections["video"].unique()) - set(ground_truth["video"].unique()))
    if unknown:
        names = ", ".join(unknown[:3]) + ", ..." * (len(unknown) > 3)
        lines.append(f"not in the ground truth: {len(unknown):,} videos of the detections: {names}")
    return lines


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
