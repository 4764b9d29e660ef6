"""The json file that an evaluation leaves behind."""

import json
from typing import TypedDict

from ava_det.formats.atomic import StrPath, atomic_text


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


def write_evaluation(path: StrPath, evaluation: Evaluation) -> None:
    """Write the figures, atomically."""
    with atomic_text(path) as file:
        json.dump(evaluation, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
