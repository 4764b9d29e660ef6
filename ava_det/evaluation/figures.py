"""The json file that an evaluation leaves behind."""

import json
from typing import Any, NotRequired, TypedDict, cast

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.json_file import load_json
from ava_det.structures import InputError


class Part(TypedDict):
    """The figures of some of the rows, e.g. of small people.

    Attributes:
        mAP: mean over the classes with ground truth among them; None if there is none.
        classes: how many those are.
        ground_truth: annotated labels.
        detections: detections that counted.
    """

    mAP: float | None
    classes: int
    ground_truth: int
    detections: int


class VideoEvaluation(TypedDict):
    """The figures of a video-mAP; classes go by name, None where there is no truth.

    Attributes:
        protocol: which evaluation protocol; figures of different ones do not compare.
        linked: whether boxes were linked into tubes, rather than given as tubes.
        mAP: overlap of tubes, or "0.5:0.95" for the mean over ten -> mean AP, in [0, 1].
        AP: overlap -> average precision of each class.
        ground_truth: how many annotated tubes of each class.
        detections: how many detected tubes of each class.
        left_out: reason -> how many linked tubes did not count.
        least_ticks: how long a linked tube had to last; 0 where none was linked.
        short: how many annotated tubes last less.
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
    """The AP of each class and their mean, None where there is no truth."""

    mAP: float
    AP: dict[str, float | None]


class Evaluation(TypedDict):
    """The figures of a frame-mAP; classes and groups go by name, None where there is no truth.

    Attributes:
        protocol: which evaluation protocol; figures of different ones do not compare.
        iou_threshold: the overlap from which a detection is true.
        mAP: mean of `AP`, in [0, 1].
        groups: mean of `AP` over groups of classes.
        AP: average precision of each class.
        ground_truth: how many annotated labels counted, of each class.
        detections: how many detections counted, of each class.
        left_out: reason -> how many rows did not count.
        unlisted: how many detections lie on keyframes that the ground truth does not list.
        sizes: by the size of people (`evaluation.frame_map.by_size`).
        crowds: by how many people there are (`evaluation.frame_map.by_crowd`).
        video_mAP: of the same detections as tubes, where it was asked for.
        ground_truth_boxes: frame-mAP and AP of the same model on annotated boxes, where given.
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
        InputError: the file holds something else.
    """
    content = load_json(path)
    if not isinstance(content, dict) or not _has_figures(content):
        raise InputError(f"{path}: not the figures of an evaluation")
    return cast(Evaluation, content)


def _has_figures(content: dict[str, Any]) -> bool:
    """Whether what is compared of an evaluation is there and made of numbers."""
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
    """Whether a value of JSON, which knows infinities and numbers of any size, is a plain one."""
    return isinstance(value, int | float) and abs(value) < 2**53


def write_evaluation(path: StrPath, evaluation: Evaluation) -> None:
    """Write the figures, atomically."""
    with atomic_text(path) as file:
        json.dump(evaluation, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
