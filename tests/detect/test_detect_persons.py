"""A person detector's inference: sizes, batches and the run over keyframes."""

import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances
from torch import nn

from ava_det.data.video import VideoReader
from ava_det.detect.persons import PersonDetector, propose
from ava_det.structures import FRAME_CLOCK, AnnotatedKeyframe, Clock, Keyframe, PersonBoxes


class Bright(nn.Module):
    """Finds the bounding box of the bright pixels of each image, as detectron2 would say it."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, items):
        outputs = []
        for item in items:
            self.sizes.append(tuple(item["image"].shape))
            assert (item["height"], item["width"]) == tuple(item["image"].shape[1:])
            rows, columns = torch.nonzero(item["image"][0] > 128, as_tuple=True)
            instances = Instances(item["image"].shape[1:])
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            instances.pred_boxes = Boxes(torch.tensor([box]).float())
            instances.scores = torch.tensor([0.75])
            outputs.append({"instances": instances})
        return outputs


@pytest.mark.parametrize("short_side", [40, 80, 160])
def test_boxes_are_relative_whatever_the_input_size(short_side):
    frames = np.zeros((2, 80, 120, 3), np.uint8)
    frames[0, 20:60, 30:90] = 255
    frames[1, 0:40, 60:120] = 255
    model = Bright()
    names = [Keyframe("film", 3), Keyframe("film", 4)]
    first, second = PersonDetector(model, short_side).people(names, frames)
    assert model.sizes == [(3, short_side, short_side * 3 // 2)] * 2
    assert (first.keyframe, second.keyframe) == tuple(names)
    np.testing.assert_allclose(first.boxes, [[0.25, 0.25, 0.75, 0.75]], atol=0.02)
    np.testing.assert_allclose(second.boxes, [[0.5, 0.0, 1.0, 0.5]], atol=0.02)
    assert first.scores.tolist() == [0.75]
    assert first.person_ids.tolist() == [-1]


class Recorder:
    """A person detector that keeps what it is shown."""

    def __init__(self):
        self.shown = []

    def people(self, keyframes, frames):
        self.shown.append((keyframes, frames))
        return [PersonBoxes.nobody(keyframe) for keyframe in keyframes]


@pytest.mark.parametrize("clock", [FRAME_CLOCK, Clock(rate=25.0, start=100)])
def test_proposals_come_of_the_right_frames_in_order(film, clock):
    start = clock.start
    paths = {"a": film(9), "b": film(5)}
    wanted = [("a", 0), ("a", 2), ("a", 3), ("a", 8), ("b", 4), ("b", 1), ("a", 5)]
    keyframes = [Keyframe(name, tick + start) for name, tick in wanted]
    records = [AnnotatedKeyframe(str(paths[k.video]), PersonBoxes.nobody(k)) for k in keyframes]
    detector, reader = Recorder(), VideoReader()
    found = list(propose(detector, records, reader, clock, batch_size=3))
    assert [people.keyframe for people in found] == keyframes
    assert [len(shown) for shown, _ in detector.shown] == [3, 1, 2, 1]
    for shown, frames in detector.shown:
        for keyframe, frame in zip(shown, frames, strict=True):
            path = paths[keyframe.video]
            times = reader.times(path)[[keyframe.tick - start]]
            np.testing.assert_array_equal(frame, reader.frames(path, times)[0])
