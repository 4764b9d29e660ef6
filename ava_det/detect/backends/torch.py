"""Runs our models on torch, as in training. This is the reference for every other backend."""

from pathlib import Path

import numpy as np
import torch
from detectron2.modeling import GeneralizedRCNN

from ava_det.batch import boxes_for
from ava_det.boxes import to_pixels
from ava_det.detect.protocols import People
from ava_det.formats.class_map import ClassMap
from ava_det.model.center_pose import CenterPose, people_on
from ava_det.model.detector import ActionDetector
from ava_det.model.device import usable_device
from ava_det.model.faster_rcnn import relative_boxes
from ava_det.model.inference import channels_last, fold_norms
from ava_det.resize import resize_short_side
from ava_det.structures import MOST_PERSON_SIDE, ClipShape, InputError
from ava_det.weights.native import load_model


class TorchActions:
    """An `ActionBackend` that runs an action model on torch.

    Args:
        model: The model. It is moved to `device` and set to evaluation mode.
        class_map: The classes of the logits.
        clip: The shape of the input clips.
        device: The device of the model; see `usable_device`.

    Raises:
        InputError: This machine lacks the device.
    """

    def __init__(
        self, model: ActionDetector, class_map: ClassMap, clip: ClipShape, device: str = "cpu"
    ):
        self.device = usable_device(device)
        self.model = model.to(self.device).eval()
        self.class_map, self.clip = class_map, clip

    @classmethod
    def from_file(cls, path: Path, device: str = "cpu") -> "TorchActions":
        """Load an `ava_det` weight file.

        Raises:
            InputError: The file cannot be read or holds no action detector, or this machine lacks
                the device.
        """
        usable_device(device)  # fail before the slow loading
        model, card = load_model(path, "detector")
        assert isinstance(model, ActionDetector)
        names = {number: name for number, name, _ in card.classes}
        groups = {number: group for number, _, group in card.classes if group}
        return cls(model, ClassMap(names, groups), card.clip, device)

    @torch.inference_mode()
    def scores(self, clips: np.ndarray, boxes: list[np.ndarray]) -> list[np.ndarray]:
        """See `ActionBackend.scores`."""
        batch = torch.from_numpy(clips).permute(0, 4, 1, 2, 3).contiguous().to(self.device)
        height, width = clips.shape[2:4]
        pixels = [torch.from_numpy(to_pixels(b, height, width)).float() for b in boxes]
        people = boxes_for(self.model, [tubes.to(self.device) for tubes in pixels])
        logits = self.model(batch, people)
        scores = logits.float().sigmoid().cpu().numpy()
        return np.split(scores, np.cumsum([len(b) for b in boxes])[:-1])


class TorchPersons:
    """A `PersonFinder` that runs a person detector on torch.

    Args:
        model: A person detector. A copy in evaluation mode runs on `device`.
        short_side: The short side in pixels that frames are resized to, as in training.
        device: The device of the model.
    """

    def __init__(self, model: GeneralizedRCNN | CenterPose, short_side: int, device: str = "cpu"):
        self.device = usable_device(device)
        self.model = channels_last(fold_norms(model).to(self.device))
        self.short_side = short_side

    @classmethod
    def from_file(
        cls, path: Path, device: str = "cpu", short_side: int | None = None
    ) -> "TorchPersons":
        """Load an `ava_det` weight file.

        Args:
            path: The file.
            device: The device of the model.
            short_side: The short side in pixels that frames are resized to. A larger value finds
                smaller people and takes longer. None means the value in the file.

        Raises:
            InputError: The file cannot be read or holds no person detector, `short_side` is too
                large, or this machine lacks the device.
        """
        if short_side is not None and not 1 <= short_side <= MOST_PERSON_SIDE:
            raise InputError(
                f"a short side of {short_side} pixels for people: at most {MOST_PERSON_SIDE}"
            )
        usable_device(device)  # fail before the slow loading
        model, card = load_model(path, "persons")
        assert isinstance(model, GeneralizedRCNN | CenterPose)
        return cls(model, short_side or card.clip.short_side, device)

    @torch.inference_mode()
    def people(self, frames: np.ndarray) -> list[People]:
        """See `PersonFinder.people`."""
        small = np.stack([resize_short_side(frame, self.short_side) for frame in frames])
        images = torch.from_numpy(small).permute(0, 3, 1, 2).contiguous().to(self.device)
        height, width = small.shape[1:3]
        if isinstance(self.model, CenterPose):
            found = people_on(self.model(images.float()), height, width)
            return [People(boxes, scores, keypoints=points) for boxes, scores, points in found]
        size = {"height": height, "width": width}
        outputs = self.model([{"image": image, **size} for image in images])
        return [People(*relative_boxes(output["instances"])) for output in outputs]
