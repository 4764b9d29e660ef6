"""The json file that an evaluation leaves behind."""

import json
from typing import NotRequired, TypedDict

from ava_det.formats.atomic import StrPath, atomic_text


class VideoEvaluation(TypedDict):
    """The figures of a video-mAP; classes go by name, None where there is no truth.

    Attributes:
        protocol: which evaluation protocol; figures of different ones do not compare.
        linked: whether boxes were linked into tubes, rather than given as tubes.
        mAP: overlap of tubes, or "0.5:0.95" for the mean over ten -> mean AP, in [0, 1].
        AP: overlap -> average precision of each class.
        ground_truth: how many annotated tubes of each class.
        detections: how many detected tubes of each class.
    """

    protocol: str
    linked: bool
    mAP: dict[str, float]
    AP: dict[str, dict[str, float | None]]
    ground_truth: dict[str, int]
    detections: dict[str, int]


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
        video_mAP: of the same detections as tubes, where it was asked for.
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
    video_mAP: NotRequired[VideoEvaluation]


def write_evaluation(path: StrPath, evaluation: Evaluation) -> None:
    """Write the figures, atomically."""
    with atomic_text(path) as file:
        json.dump(evaluation, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
