import math

import pandas as pd

from ava_det.evaluation.comparison import OtherRun
from ava_det.evaluation.text import class_table, comparison_lines, lines_of, notes, tube_notes

RESULT = {
    "protocol": "uncapped",
    "iou_threshold": 0.5,
    "mAP": 0.25,
    "groups": {"pose": 0.25, "object": None},
    "AP": {"stand": 0.25, "sit (down)": None},
    "ground_truth": {"stand": 1200, "sit (down)": 0},
    "detections": {"stand": 31, "sit (down)": 7},
    "left_out": {"detections with a degenerate box": 1234},
    "unlisted": 3,
    "sizes": {"small": {"mAP": 0.25, "classes": 1, "ground_truth": 1200, "detections": 31}},
}
OTHER = {**RESULT, "mAP": 0.2, "AP": {"stand": 0.2, "sit (down)": 0.1}, "protocol": "activitynet"}


def test_class_table():
    assert class_table(RESULT).splitlines() == [
        "class           AP  ground truth  detections",
        "stand       0.2500         1,200          31",
        "sit (down)       -             0           7",
        "",
        "frame-mAP@0.5 (uncapped), small: 0.2500 (1 classes, 1,200 labels)",
        "frame-mAP@0.5 (uncapped), pose classes: 0.2500",
        "frame-mAP@0.5 (uncapped), object classes: -",
        "frame-mAP@0.5 (uncapped): 0.2500",
    ]


def test_notes():
    truth = pd.DataFrame({"video": ["a"], "x1": 0.5})
    found = pd.DataFrame({"video": pd.Categorical(["c", "a", "b"]), "x1": 0.5})
    assert notes(RESULT, truth, found) == [
        "left out: 1,234 detections with a degenerate box",
        "counted as false by 'uncapped': 3 detections on keyframes that the ground truth does not "
        "list",
        "not in the ground truth: 2 videos of the detections: b, c",
    ]
    plain = {**RESULT, "protocol": "activitynet", "left_out": {}}
    assert notes(plain, truth, truth) == []
    nothing = ["nothing was detected: the results have no box"]
    assert notes(plain, truth, truth.assign(x1=math.nan)) == nothing
    assert notes(plain, truth, truth[:0]) == nothing


def test_all_lines():
    figures = {**RESULT, "ground_truth_boxes": {"mAP": 0.75, "AP": {}}}
    recall = pd.DataFrame({"score": [0.5], "recall@0.5": [0.75]})
    assert (
        "\n".join(lines_of(figures, recall, OtherRun("run.json", OTHER))).splitlines()[-9:]
        == [
            "frame-mAP@0.5 (uncapped): 0.2500",
            "frame-mAP@0.5 (uncapped), on annotated boxes: 0.7500",
            "lost to the person detector: 0.5000; to the actions: 0.2500",
            "",
            " score  recall@0.5",
            " 0.500       0.750",
            "",
            "not comparable: protocol is activitynet in run.json",
            "against run.json: 0.2500 - 0.2000 = +0.0500",
            "  +0.0500 stand",
        ][-9:]
    )


def test_runs_of_other_classes_and_another_ground_truth():
    other = {
        **RESULT,
        "mAP": 0.6,
        "AP": {"stand": 0.2, "run": 1.0, "hop": None},
        "ground_truth": {"stand": 1100, "run": 3, "hop": 0},
    }
    assert comparison_lines(RESULT, OtherRun("run.json", other)) == [
        "not comparable: 1 class is in this run only: sit (down)",
        "not comparable: 2 classes are in run.json only: hop, run",
        "not comparable: the annotated labels of 1 class differ: stand has 1,200 here, 1,100 in "
        "run.json",
        "against run.json: 0.2500 - 0.6000 = -0.3500",
        "over the classes of both (1): 0.2500 - 0.2000 = +0.0500",
        "  +0.0500 stand",
    ]
    assert comparison_lines(RESULT, OtherRun("run.json", RESULT)) == [
        "against run.json: 0.2500 - 0.2500 = +0.0000"
    ]


def test_tubes_that_are_too_short():
    tubes = {
        "left_out": {"linked tubes of less than 15 ticks": 1200},
        "least_ticks": 15,
        "short": 2,
        "ground_truth": {"stand": 2, "run": 1},
    }
    lines = [
        "left out: 1,200 linked tubes of less than 15 ticks",
        "2 of 3 tubes of the ground truth last less than the 15 ticks that a linked tube has to: "
        "are all keyframes there?",
    ]
    assert tube_notes(tubes) == lines
    truth = pd.DataFrame({"video": ["a"], "x1": 0.5})
    assert (
        notes({**RESULT, "left_out": {}, "unlisted": 0, "video_mAP": tubes}, truth, truth) == lines
    )
    assert tube_notes({**tubes, "left_out": {}, "short": 0}) == []
