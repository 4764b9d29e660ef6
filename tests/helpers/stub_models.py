"""A person finder and an action backend without a neural network and without torch."""

import numpy as np

from ava_det.detect.protocols import People
from ava_det.formats.class_map import ClassMap
from ava_det.structures import ClipShape


class Walker:
    """A person finder: nobody on the first frame, then one person who walks to the right."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.seen = 0

    def people(self, frames: np.ndarray) -> list[People]:
        assert frames.dtype == np.uint8
        assert frames.shape[3] == 3
        self.asked.append(len(frames))
        found = []
        for _ in frames:
            x, count = 0.05 * self.seen % 0.5, int(self.seen > 0)
            box = np.array([[0.1 + x, 0.2, 0.4 + x, 0.9]])
            found.append(People(box[:count], np.full(count, 0.9)))
            self.seen += 1
        return found


class Steps:
    """An action backend with constant scores per class: 0, 0.1 and 0.4."""

    class_map = ClassMap({2: "walk", 5: "run (fast)", 7: "sit"})
    clip = ClipShape(frames=4, stride=2, rate=None, short_side=24)

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def scores(self, clips: np.ndarray, boxes: list[np.ndarray]) -> list[np.ndarray]:
        assert clips.dtype == np.uint8
        assert clips.shape[:3] == (len(boxes), 4, 24)
        self.asked.append([len(people) for people in boxes])
        return [np.full((len(people), 3), [0.0, 0.1, 0.4], np.float32) for people in boxes]
