"""Evaluation over a loader: a repeated keyframe counts once, clips of a video are averaged."""

import json

import numpy as np
import pytest
import torch
from detectron2.engine import launch
from detectron2.utils import comm

from ava_det.batch import ClipBatch, PeopleBatch
from ava_det.evaluation.top_k import top_k_accuracy
from ava_det.formats.ava_csv import detections_table, table_of
from ava_det.formats.class_map import ClassMap
from ava_det.structures import ActionDetections, InputError, Keyframe, PersonBoxes, UnreadableVideo
from ava_det.train.evaluators import FrameMapEvaluator, TopKEvaluator

CLASSES = ClassMap({2: "walk", 5: "sit"})
READABLE = PeopleBatch.join([])  # of a batch an evaluator asks what could not be read


def truth(tick: int, action: int) -> PersonBoxes:
    box = np.array([[0.1, 0.1, 0.5, 0.9]])
    return PersonBoxes(Keyframe("v", tick), box, ((action,),), np.ones(1), np.zeros(1, np.int64))


def said(tick: int, walk: float, sit: float) -> ActionDetections:
    box = np.array([[0.1, 0.1, 0.5, 0.9]])
    return ActionDetections(
        Keyframe("v", tick), box, np.array([[walk, sit]], np.float32), np.ones(1)
    )


def test_a_repeated_keyframe_counts_once():
    evaluator = FrameMapEvaluator(
        table_of([truth(1, 2), truth(2, 5)]), CLASSES, CLASSES, "uncapped"
    )
    outputs = [said(1, 0.9, 0.1), said(2, 0.2, 0.8)]
    evaluator.process(READABLE, [*outputs, outputs[0]])
    assert evaluator.evaluate()["detection"]["frame_mAP_uncapped"] == pytest.approx(100)
    assert len(evaluator.table) == 4
    evaluator.reset()
    assert evaluator.table is None


def unreadable(video: str) -> PeopleBatch:
    return PeopleBatch.join([], [UnreadableVideo(video, f"{video}.mp4", "torn")])


@pytest.mark.holds("13.5 unreadable keyframes are left out of the ground truth, and counted")
def test_keyframes_that_cannot_be_read_do_not_count(caplog):
    annotated = table_of([truth(tick, action) for tick in range(1, 5) for action in (2, 5)])
    evaluator = FrameMapEvaluator(annotated, CLASSES, CLASSES, "uncapped")
    evaluator.process(unreadable("v"), [said(1, 0.9, 0.8)])
    evaluator.process(unreadable("elsewhere"), [said(3, 0.9, 0.8)])
    assert evaluator.evaluate()["detection"]["frame_mAP_uncapped"] == pytest.approx(100)
    assert evaluator.unreadable == {Keyframe("v", 2), Keyframe("v", 4)}
    assert evaluator.ground_truth["tick"].tolist() == [1, 1, 3, 3]
    assert "2 annotated keyframes cannot be read: they do not count" in caplog.text
    evaluator.reset()
    evaluator.process(READABLE, [said(1, 0.9, 0.8)])
    # Not tested for another reason than a broken file: the people are missed.
    assert evaluator.evaluate()["detection"]["frame_mAP_uncapped"] == pytest.approx(25)
    assert not evaluator.unreadable


def test_a_readable_keyframe_without_boxes_counts():
    evaluator = FrameMapEvaluator(
        table_of([truth(1, 2), truth(2, 2)]), CLASSES, CLASSES, "uncapped"
    )
    empty = ActionDetections(
        Keyframe("v", 2), np.zeros((0, 4)), np.zeros((0, 2), np.float32), np.zeros(0)
    )
    evaluator.process(unreadable("v"), [said(1, 0.9, 0.1), empty])
    assert evaluator.evaluate()["detection"]["frame_mAP_uncapped"] == pytest.approx(50)


@pytest.mark.holds("13.5 a test set of which nothing that counts can be read is an error")
def test_keyframes_of_which_none_can_be_read():
    evaluator = FrameMapEvaluator(table_of([truth(1, 2)]), CLASSES, CLASSES, "uncapped")
    evaluator.process(unreadable("v"), [])
    with pytest.raises(InputError, match="no keyframe of the test set"):
        evaluator.evaluate()


def test_columns_that_do_not_count():
    """Three columns of scores of which two count: one figure with and without the third."""
    classes = ClassMap({2: "walk", 3: "swim", 5: "sit"})
    annotated = table_of([truth(1, 2), truth(2, 5), truth(3, 3)])
    box = np.array([[0.1, 0.1, 0.5, 0.9]])
    outputs = [
        ActionDetections(Keyframe("v", tick), box, np.array([scores], np.float32), np.ones(1))
        for tick, scores in [(1, [0.9, 0.1, 0.8]), (2, [0.95, 0.2, 0.7]), (3, [0.1, 0.0, 0.1])]
    ]
    evaluator = FrameMapEvaluator(annotated, classes, CLASSES, "uncapped")
    evaluator.process(READABLE, outputs)
    # Each class that counts has its one hit at rank 2; swimming has it at rank 3.
    assert evaluator.evaluate()["detection"]["frame_mAP_uncapped"] == pytest.approx(50)
    assert set(evaluator.result.ap) == {"walk", "sit"}
    assert sorted(set(evaluator.table["action"])) == [2, 3, 5], "the table has all columns"
    whole = FrameMapEvaluator(annotated, classes, classes, "uncapped")
    whole.process(READABLE, outputs)
    expected = 100 * (1 / 2 + 1 / 2 + 1 / 3) / 3
    assert whole.evaluate()["detection"]["frame_mAP_uncapped"] == pytest.approx(expected)


@pytest.mark.parametrize("evaluated", [{5: "sit", 7: "fly"}, {5: "walk"}])
def test_an_evaluated_class_without_a_column(evaluated):
    with pytest.raises(InputError, match="is none of the model's"):
        FrameMapEvaluator(table_of([truth(1, 2)]), CLASSES, ClassMap(evaluated), "uncapped")


def _share(shares, results):
    """One process of two: evaluate its share, of which the main one keeps the figures."""
    rank = comm.get_rank()
    evaluator = FrameMapEvaluator(
        table_of([truth(1, 2), truth(2, 5)]), CLASSES, CLASSES, "uncapped"
    )
    evaluator.process(READABLE, [said(*one) for one in shares[rank]])
    told = evaluator.evaluate()
    figures = (
        None if told is None else [told["detection"]["frame_mAP_uncapped"], len(evaluator.table)]
    )
    (results / f"{rank}.json").write_text(json.dumps(figures))


@pytest.mark.slow
def test_two_processes_with_a_padded_share(tmp_path):
    """Three keyframes to two processes: the second one's share is filled up with the first."""
    shares = [[(1, 0.9, 0.1), (3, 0.1, 0.1)], [(2, 0.2, 0.8), (1, 0.9, 0.1)]]
    launch(_share, 2, dist_url="auto", args=(shares, tmp_path))
    assert json.loads((tmp_path / "0.json").read_text()) == [100, 6]
    assert json.loads((tmp_path / "1.json").read_text()) is None


def test_a_table_has_a_row_a_person_and_class():
    table = detections_table([said(1, 0.9, 0.1), said(3, 0.2, 0.8)], CLASSES, threshold=0.15)
    assert table[["tick", "action"]].to_numpy().tolist() == [[1, 2], [3, 2], [3, 5]]
    np.testing.assert_allclose(table["score"], [0.9, 0.2, 0.8], rtol=1e-6)
    assert set(table["video"]) == {"v"}
    assert len(detections_table([], CLASSES)) == 0


def test_clips_of_one_video_are_averaged():
    evaluator = TopKEvaluator()
    scores = [torch.tensor([0.9, 0.1]), torch.tensor([0.3, 0.7]), torch.tensor([0.4, 0.6])]
    clips, labels = torch.zeros(3, 3, 1, 1, 1), torch.tensor([0, 0, 0])
    evaluator.process(ClipBatch(clips, labels, ["a", "a", "b"]), scores)
    assert evaluator.evaluate()["recognition"]["top1"] == 50


@pytest.mark.parametrize(("k", "expected"), [(1, 1 / 3), (2, 2 / 3), (9, 1.0)])
def test_top_k(k, expected):
    scores = np.array([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.5, 0.3, 0.2]])
    assert top_k_accuracy(scores, np.array([0, 0, 2]), k) == pytest.approx(expected)


def test_a_constant_score_is_no_hit():
    assert top_k_accuracy(np.ones((4, 3)), np.zeros(4, int), 1) == 0
