import pandas as pd

from ava_det.evaluate.text import class_table, notes

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
}


def test_class_table():
    assert class_table(RESULT).splitlines() == [
        "class           AP  ground truth  detections",
        "stand       0.2500         1,200          31",
        "sit (down)       -             0           7",
        "",
        "pose classes: 0.2500",
        "object classes: -",
        "frame-mAP@0.5 (uncapped): 0.2500",
    ]


def test_notes():
    truth = pd.DataFrame({"video": ["a"]})
    found = pd.DataFrame({"video": pd.Categorical(["c", "a", "b"])})
    assert notes(RESULT, truth, found) == [
        "left out: 1,234 detections with a degenerate box",
        "counted as false by 'uncapped': 3 detections on keyframes that the ground truth does not "
        "list",
        "not in the ground truth: 2 videos of the detections: b, c",
    ]
    assert notes({**RESULT, "protocol": "activitynet", "left_out": {}}, truth, truth) == []
