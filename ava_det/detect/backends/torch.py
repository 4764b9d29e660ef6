"""What runs the action model: a backend takes one clip and the boxes on it, and gives scores.

The torch backend is the reference.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ava_det.boxes import to_pixels
from ava_det.formats.class_map import ClassMap
from ava_det.model.detector import ActionDetector
from ava_det.model.device import usable_device
from ava_det.structures import ClipShape, InputError
from ava_det.weights.native import load_model


class ActionBackend(Protocol):
    """An action detector that is ready to run.

    Attributes:
        class_map: what the score columns mean.
        clip: the clips that it takes.
    """

    class_map: ClassMap
    clip: ClipShape

    def scores(self, clip: Tensor, boxes: np.ndarray) -> np.ndarray:
        """Action scores (R, K) float32 in [0, 1] of the people of a clip's keyframe.

        Args:
            clip: (3, T, H, W) uint8 RGB.
            boxes: (R, 4) xyxy, relative; R is at least 1.
        """
        ...


class TorchBackend:
    """The model as it was trained.

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
    def from_file(cls, path: Path, device: str = "cpu") -> "TorchBackend":
        """Load a weight file of ours.

        Raises:
            InputError: it cannot be read or is not of an action detector, or this machine lacks
                the device.
        """
        usable_device(device)  # before the time that loading takes
        model, card = load_model(path)
        if not isinstance(model, ActionDetector):
            raise InputError(f"{path}: weights of task {card.task!r}, not of an action detector")
        names = {number: name for number, name, _ in card.classes}
        groups = {number: group for number, _, group in card.classes if group}
        return cls(model, ClassMap(names, groups), card.clip, device)

    @torch.inference_mode()
    def scores(self, clip: Tensor, boxes: np.ndarray) -> np.ndarray:
        """As `ActionBackend.scores`."""
        pixels = to_pixels(boxes, clip.shape[-2], clip.shape[-1])
        people = torch.from_numpy(pixels).float().to(self.device)
        logits = self.model(clip[None].to(self.device), [people])
        return logits.float().sigmoid().cpu().numpy()
