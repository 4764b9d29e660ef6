"""Train and evaluate a person detector on the keyframes of an action data set.

The batches of a Faster R-CNN are those of fine-tuning, with clips of one frame; a `CenterPose`
learns from pictures with keypoints. If a data set annotates only people
with actions (JHMDB), the detector learns to find these people, and other people count as
background.
"""

import logging
from typing import Any

import numpy as np
import torch
from detectron2.evaluation import DatasetEvaluator
from detectron2.structures import Boxes, Instances
from detectron2.utils import comm
from torch import Tensor, nn

from ava_det.batch import PeopleBatch, PictureBatch, keyframe_boxes
from ava_det.evaluation.person_boxes import person_ap, person_recall
from ava_det.model.center_pose import PeopleMaps, losses, people_on, targets
from ava_det.model.faster_rcnn import relative_people
from ava_det.structures import Keyframe, PersonBoxes
from ava_det.train.processes import device_of

logger = logging.getLogger(__name__)


class PersonDetection:
    """The task of a person detector."""

    def losses(
        self, model: nn.Module, batch: PeopleBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return detectron2's losses of a batch of one-frame clips."""
        return model(as_images(batch))

    def outputs(self, model: nn.Module, batch: PeopleBatch) -> list[dict[str, Any]]:
        """Return detectron2's outputs for every keyframe."""
        return model(as_images(batch))

    def predict(self, model: nn.Module, batch: PeopleBatch) -> list[PersonBoxes]:
        """Return the detected people on every keyframe."""
        outputs = self.outputs(model, batch)
        return [
            relative_people(people.keyframe, output["instances"])
            for people, output in zip(batch.people, outputs, strict=True)
        ]


class PoseDetection:
    """The task of a person detector with keypoints, a `CenterPose`."""

    def losses(
        self, model: nn.Module, batch: PictureBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return the losses of a batch of pictures."""
        batch = batch.to(device_of(model))
        maps = self.outputs(model, batch)
        size = maps.people.shape[-2:]
        return losses(maps, targets((size[0], size[1]), batch.boxes, batch.keypoints, batch.crowds))

    def outputs(self, model: nn.Module, batch: PictureBatch) -> PeopleMaps:
        """Return the maps of the pictures."""
        return model(batch.images.float())

    def predict(self, model: nn.Module, batch: PeopleBatch) -> list[PersonBoxes]:
        """Return the detected people on every keyframe."""
        found = []
        clips = zip(batch.clips[:, :, 0], batch.sizes, batch.people, strict=True)
        for padded, (height, width), people in clips:
            image = padded[None, :, :height, :width].to(device_of(model)).float()
            boxes, scores, _ = people_on(model(image), height, width)[0]
            found.append(PersonBoxes.found(people.keyframe, boxes, scores))
        return found


def as_images(batch: PeopleBatch) -> list[dict[str, Any]]:
    """Convert a batch of one-frame clips to detectron2's list of images with instances.

    The images have no padding.
    """
    items = []
    images = zip(batch.clips[:, :, 0], batch.sizes, batch.boxes, strict=True)
    for padded, (height, width), boxes in images:
        image = padded[:, :height, :width]
        instances = Instances((height, width))
        instances.gt_boxes = Boxes(keyframe_boxes(boxes))
        instances.gt_classes = torch.zeros(len(boxes), dtype=torch.int64)
        items.append({"image": image, "instances": instances, "height": height, "width": width})
    return items


class PersonEvaluator(DatasetEvaluator):
    """Measure COCO's AP and the recall at IoU 0.5 of person boxes, in percent."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._pairs: list[tuple[PersonBoxes, PersonBoxes]] = []

    def process(self, inputs: PeopleBatch, outputs: list[PersonBoxes]) -> None:
        """Add the annotated and the detected people of a batch of keyframes."""
        self._pairs += zip(inputs.people, outputs, strict=True)

    def evaluate(self) -> Any:
        """Return {"persons": {"AP", "AP50", "recall50"}} in the main process, None in others."""
        gathered: Any = comm.gather(self._pairs)
        if not comm.is_main_process():
            return None
        truth: dict[Keyframe, PersonBoxes] = {}
        found: dict[Keyframe, PersonBoxes] = {}
        for annotated, detected in (pair for part in gathered for pair in part):
            truth[annotated.keyframe], found[annotated.keyframe] = annotated, detected
        if not any(len(people.boxes) for people in truth.values()):
            logger.warning("the test keyframes have no annotated people: no AP, no recall")
            return {"persons": {}}
        results = {**person_ap(truth, found), "recall50": person_recall(truth, found)}
        return {"persons": {name: 100 * value for name, value in results.items()}}
