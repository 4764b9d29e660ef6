"""The task of a person detector: what it makes of a batch, and its figures."""

from dataclasses import replace

import numpy as np
import torch

from ava_det.batch import PeopleBatch
from ava_det.model.faster_rcnn import build_person_detector
from ava_det.structures import Keyframe, PersonBoxes
from ava_det.train.person_detection import PersonDetection, PersonEvaluator, as_images


def person(tick: int, box: list[float], score: float = 1.0) -> PersonBoxes:
    return PersonBoxes(
        Keyframe("film", tick), np.array([box]), ((1,),), np.array([score]), np.array([-1])
    )


def batch() -> PeopleBatch:
    clips = torch.randint(256, (2, 3, 1, 64, 96), dtype=torch.uint8)
    return PeopleBatch(
        clips,
        sizes=[(64, 96), (48, 80)],
        boxes=[torch.tensor([[8.0, 8.0, 40.0, 60.0]]), torch.zeros(0, 4)],
        targets=[torch.zeros(1, 0), torch.zeros(0, 0)],
        people=[person(0, [0.1, 0.1, 0.4, 0.9]), PersonBoxes.nobody(Keyframe("film", 1))],
    )


def of_people(people: list[PersonBoxes]) -> PeopleBatch:
    """A batch of which nothing but the annotated people is looked at."""
    return replace(PeopleBatch.join([]), people=people)


def test_a_batch_of_clips_becomes_detectron2s_items():
    given = batch()
    first, second = as_images(given)
    assert torch.equal(first["image"], given.clips[0, :, 0])
    assert (first["height"], first["width"]) == first["instances"].image_size == (64, 96)
    assert torch.equal(first["instances"].gt_boxes.tensor, given.boxes[0])
    assert first["instances"].gt_classes.tolist() == [0]
    assert len(second["instances"]) == 0
    assert torch.equal(second["image"], given.clips[1, :, 0, :48, :80])  # without padding
    assert (second["height"], second["width"]) == second["instances"].image_size == (48, 80)


def test_the_task_speaks_detectron2():
    from detectron2.utils.events import EventStorage

    model, task = build_person_detector("faster_rcnn_tiny", {"width": 8}), PersonDetection()
    with EventStorage():
        losses = task.losses(model.train(), batch(), np.random.default_rng(0))
    assert set(losses) == {"loss_cls", "loss_box_reg", "loss_rpn_cls", "loss_rpn_loc"}
    assert all(torch.isfinite(loss) for loss in losses.values())
    with torch.inference_mode():
        found = task.predict(model.eval(), batch())
    assert [people.keyframe.tick for people in found] == [0, 1]


def test_repeated_keyframes_count_once():
    evaluator = PersonEvaluator()
    truth = [person(0, [0.0, 0.0, 0.5, 1.0]), person(1, [0.0, 0.0, 0.5, 1.0])]
    found = [person(0, [0.0, 0.0, 0.5, 1.0], 0.9), person(1, [0.5, 0.0, 1.0, 1.0], 0.8)]
    evaluator.process(of_people(truth), found)
    evaluator.process(of_people(truth[:1]), found[:1])
    results = evaluator.evaluate()["persons"]
    assert results["recall50"] == 50.0
    assert results["AP50"] == results["AP"]
    assert abs(results["AP50"] - 100 * 51 / 101) < 1e-6  # precision 1 up to recall 0.5
    evaluator.reset()
    evaluator.process(of_people(truth[1:]), found[1:])
    assert evaluator.evaluate()["persons"]["recall50"] == 0.0
