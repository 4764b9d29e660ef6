"""Reads and writes the JSON file of an evaluation."""

import json
from typing import Any, NotRequired, TypedDict, cast

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.json_file import load_json
from ava_det.structures import InputError


class Part(TypedDict):
    """The figures of some of the rows, e.g. of small people.

    Attributes:
        mAP: The mean over the classes with ground truth among these rows; None without ground
            truth.
        classes: The number of these classes.
        ground_truth: The number of annotated labels.
        detections: The number of detections that counted.
    """

    mAP: float | None
    classes: int
    ground_truth: int
    detections: int


class VideoEvaluation(TypedDict):
    """The figures of a video-mAP, by names of classes; None for a class without ground truth.

    Attributes:
        protocol: The evaluation protocol. Figures of different protocols do not compare.
        linked: Whether boxes were linked into tubes, rather than given as tubes.
        mAP: From the overlap of tubes, or "0.5:0.95" for the mean over ten overlaps, to the mean
            AP, in [0, 1].
        AP: From the overlap to the average precision of each class.
        ground_truth: The number of annotated tubes of each class.
        detections: The number of detected tubes of each class.
        left_out: From a reason to the number of linked tubes that did not count for it.
        least_ticks: The shortest duration of a linked tube that counts; 0 if no tube was linked.
        short: The number of annotated tubes that are shorter.
    """

    protocol: str
    linked: bool
    mAP: dict[str, float]
    AP: dict[str, dict[str, float | None]]
    ground_truth: dict[str, int]
    detections: dict[str, int]
    left_out: dict[str, int]
    least_ticks: int
    short: int


class Figures(TypedDict):
    """The AP of each class and the mean; None for a class without ground truth."""

    mAP: float
    AP: dict[str, float | None]


class Evaluation(TypedDict):
    """The figures of a frame-mAP, by names of classes and groups; None without ground truth.

    Attributes:
        protocol: The evaluation protocol. Figures of different protocols do not compare.
        iou_threshold: The smallest overlap of a true detection.
        mAP: The mean of `AP`, in [0, 1].
        groups: The mean of `AP` over each group of classes.
        AP: The average precision of each class.
        ground_truth: The number of annotated labels of each class that counted.
        detections: The number of detections of each class that counted.
        left_out: From a reason to the number of rows that did not count for it.
        unlisted: The number of detections on keyframes that the ground truth does not list.
        sizes: The figures by the size of people (`evaluation.frame_map.by_size`).
        crowds: The figures by the number of people on a keyframe (`evaluation.frame_map.by_crowd`).
        video_mAP: The figures of the same detections as tubes, if requested.
        ground_truth_boxes: The frame-mAP and AP of the same model on annotated boxes, if given.
    """

    protocol: str
    iou_threshold: float
    mAP: float
    groups: dict[str, float | None]
    AP: dict[str, float | None]
    ground_truth: dict[str, int]
    detections: dict[str, int]
    left_out: dict[str, int]
    unlisted: int
    sizes: NotRequired[dict[str, Part]]
    crowds: NotRequired[dict[str, Part]]
    video_mAP: NotRequired[VideoEvaluation]
    ground_truth_boxes: NotRequired[Figures]


def read_evaluation(path: StrPath) -> Evaluation:
    """Read figures that were written by `write_evaluation`.

    Raises:
        InputError: The file holds something else.
    """
    content = load_json(path)
    if not isinstance(content, dict) or not _has_figures(content):
        raise InputError(f"{path}: not the figures of an evaluation")
    return cast(Evaluation, content)


def _has_figures(content: dict[str, Any]) -> bool:
    """Return whether the figures that a comparison needs exist and are numbers."""
    tubes, whole = content.get("video_mAP"), content.get("ground_truth_boxes")
    try:
        means = [{"mAP": content["mAP"]}, content["AP"], content["groups"]]
        parts = [*content.get("sizes", {}).values(), *content.get("crowds", {}).values()]
        means += [{"mAP": part["mAP"]} for part in parts]
        means += [{"mAP": whole["mAP"]}] if whole is not None else []
        counts = [content["ground_truth"], content["detections"]]
        if tubes is not None:
            means.append(tubes["mAP"])
            counts.append(tubes["ground_truth"])
        numbers = [value for mean in means for value in mean.values()]
        whole_numbers = [value for count in counts for value in count.values()]
    except (KeyError, TypeError, AttributeError):
        return False
    return (
        Evaluation.__required_keys__ <= content.keys()
        and (tubes is None or "protocol" in tubes)
        and content["mAP"] is not None
        and all(value is None or _is_number(value) for value in numbers)
        and all(isinstance(value, int) and _is_number(value) for value in whole_numbers)
    )


def _is_number(value: Any) -> bool:
    """Return whether a value of JSON is a finite number of ordinary size."""
    return isinstance(value, int | float) and abs(value) < 2**53


def write_evaluation(path: StrPath, evaluation: Evaluation) -> None:
    """Write the figures, atomically."""
    with atomic_text(path) as file:
        json.dump(evaluation, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
