"""Measures how well person boxes fit: COCO's average precision (pycocotools) and recall.

COCO's AP is for judging a person detector alone; AVA's frame-mAP is another definition
(`frame_map.py`). Boxes may stay relative: intersection over union does not care.
"""

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ava_det.boxes import iou
from ava_det.structures import Keyframe, PersonBoxes


def person_ap(
    truth: Mapping[Keyframe, PersonBoxes], found: Mapping[Keyframe, PersonBoxes]
) -> dict[str, float]:
    """Return COCO's `AP` (mean over IoU 0.5:0.95) and `AP50`, in [0, 1].

    Only the keyframes of `truth` count.

    Args:
        truth: The annotated people. Detections on a keyframe without people are false.
        found: The detected people. A missing keyframe has no detections.

    Raises:
        ValueError: Nobody is annotated.
    """
    numbers = {keyframe: number for number, keyframe in enumerate(truth, start=1)}
    annotations = [
        {**_coco_box(box), "image_id": numbers[keyframe], "iscrowd": 0}
        for keyframe, people in truth.items()
        for box in people.boxes
    ]
    detections: Any = [
        {**_coco_box(box), "image_id": numbers[keyframe], "score": float(score)}
        for keyframe, people in found.items()
        if keyframe in numbers
        for box, score in zip(people.boxes, people.scores, strict=True)
    ]
    if not annotations:
        raise ValueError("no annotated person to compare with")
    if not detections:
        return {"AP": 0.0, "AP50": 0.0}
    dataset = {
        "images": [{"id": number} for number in numbers.values()],
        "categories": [{"id": 1}],
        "annotations": [{"id": k, **row} for k, row in enumerate(annotations, start=1)],
    }
    evaluation = coco_evaluation(dataset, detections)
    return {"AP": float(evaluation.stats[0]), "AP50": float(evaluation.stats[1])}


def coco_evaluation(dataset: Mapping[str, Any], detections: Any) -> COCOeval:
    """Run COCO's evaluation of boxes, without a word on the screen.

    Args:
        dataset: The images, categories and annotations in COCO's form.
        detections: The detected boxes in COCO's form, at least one.
    """
    content: Any = {"info": {}, **dataset}  # without what pycocotools documents and does not use
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints progress
        reference = COCO()
        reference.dataset = content
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def person_recall(
    truth: Mapping[Keyframe, PersonBoxes],
    found: Mapping[Keyframe, PersonBoxes],
    threshold: float = 0.5,
) -> float:
    """Return the share of annotated people with a detection at IoU >= `threshold`.

    The share is nan without annotated people.
    """
    hits = [np.zeros(0, bool)]
    for keyframe, people in truth.items():
        boxes = found[keyframe].boxes if keyframe in found else np.zeros((0, 4))
        hits.append(iou(people.boxes, boxes).max(axis=1, initial=0.0) >= threshold)
    covered = np.concatenate(hits)
    return float(covered.mean()) if len(covered) else float("nan")


def _coco_box(box: np.ndarray) -> dict[str, object]:
    """Return an xyxy box as COCO's xywh, with the area."""
    x1, y1, x2, y2 = (float(value) for value in box)
    width, height = x2 - x1, y2 - y1
    return {"bbox": [x1, y1, width, height], "area": width * height, "category_id": 1}
