"""Our models on torch as they were trained: the reference for every other backend."""

from pathlib import Path

import numpy as np
import torch
from detectron2.modeling import GeneralizedRCNN

from ava_det.boxes import to_pixels
from ava_det.detect.protocols import People
from ava_det.formats.class_map import ClassMap
from ava_det.model.detector import ActionDetector
from ava_det.model.device import usable_device
from ava_det.model.faster_rcnn import relative_boxes
from ava_det.model.inference import channels_last, fold_norms
from ava_det.resize import resize_short_side
from ava_det.structures import ClipShape
from ava_det.weights.card import read_card
from ava_det.weights.native import load_model


class TorchActions:
    """An action detector; an `ActionBackend`.

    Args:
        model: put into evaluation mode on `device`.
        class_map: what its logits mean.
        clip: the clips that it takes.
        device: where it runs (`usable_device`).

    Raises:
        InputError: this machine lacks the device.
    """

    def __init__(
        self, model: ActionDetector, class_map: ClassMap, clip: ClipShape, device: str = "cpu"
    ):
        self.device = usable_device(device)
        self.model = model.to(self.device).eval()
        self.class_map, self.clip = class_map, clip

    @classmethod
    def from_file(cls, path: Path, device: str = "cpu") -> "TorchActions":
        """Load a weight file of ours.

        Raises:
            InputError: it cannot be read or is not of an action detector, or this machine lacks
                the device.
        """
        usable_device(device)  # before the time that loading takes
        read_card(path, "detector")
        model, card = load_model(path)
        assert isinstance(model, ActionDetector)
        names = {number: name for number, name, _ in card.classes}
        groups = {number: group for number, _, group in card.classes if group}
        return cls(model, ClassMap(names, groups), card.clip, device)

    @torch.inference_mode()
    def scores(self, clips: np.ndarray, boxes: list[np.ndarray]) -> list[np.ndarray]:
        """As `ActionBackend.scores`."""
        batch = torch.from_numpy(clips).permute(0, 4, 1, 2, 3).contiguous().to(self.device)
        height, width = clips.shape[2:4]
        pixels = [torch.from_numpy(to_pixels(b, height, width)).float() for b in boxes]
        logits = self.model(batch, [people.to(self.device) for people in pixels])
        scores = logits.float().sigmoid().cpu().numpy()
        return np.split(scores, np.cumsum([len(b) for b in boxes])[:-1])


class TorchPersons:
    """A person detector; a `PersonFinder`.

    Args:
        model: one of `model/faster_rcnn.py`; a copy in evaluation mode runs on `device`.
        short_side: pixels that frames are resized to, as in training.
        device: where the model runs.
    """

    def __init__(self, model: GeneralizedRCNN, short_side: int, device: str = "cpu"):
        self.device = usable_device(device)
        self.model = channels_last(fold_norms(model).to(self.device))
        self.short_side = short_side

    @classmethod
    def from_file(
        cls, path: Path, device: str = "cpu", short_side: int | None = None
    ) -> "TorchPersons":
        """Load a weight file of ours.

        Args:
            path: the file.
            device: where the model runs.
            short_side: pixels that frames are resized to; None as the file says. More finds smaller
                people and takes longer.

        Raises:
            InputError: it cannot be read or is not of a person detector.
        """
        read_card(path, "persons")
        model, card = load_model(path)
        assert isinstance(model, GeneralizedRCNN)
        return cls(model, short_side or card.clip.short_side, device)

    @torch.inference_mode()
    def people(self, frames: np.ndarray) -> list[People]:
        """As `PersonFinder.people`."""
        small = np.stack([resize_short_side(frame, self.short_side) for frame in frames])
        images = torch.from_numpy(small).permute(0, 3, 1, 2).contiguous().to(self.device)
        size = {"height": small.shape[1], "width": small.shape[2]}
        outputs = self.model([{"image": image, **size} for image in images])
        return [People(*relative_boxes(output["instances"])) for output in outputs]
