"""Evaluations side by side."""

import pytest

from ava_det.evaluation.comparison import (
    OtherRun,
    differences,
    means,
    shared_mean,
    tube_differences,
)


def part(value):
    return {"mAP": value, "classes": 1, "ground_truth": 3, "detections": 4}


def tubes(value, protocol="act", count=2):
    return {"protocol": protocol, "mAP": {"0.5": value}, "ground_truth": {"stand": count}}


def figures(stand=0.5, walk=0.25, **more):
    return {
        "protocol": "activitynet",
        "iou_threshold": 0.5,
        "mAP": (stand + walk) / 2,
        "groups": {"pose": stand},
        "AP": {"stand": stand, "walk": walk, "run": None},
        "ground_truth": {"stand": 3, "walk": 4, "run": 0},
        **more,
    }


def test_runs_that_compare():
    here, there = figures(), OtherRun("base.json", figures(stand=0.75))
    assert differences(here, there) == tube_differences(here, there) == []
    assert shared_mean(here, there.figures) is None
    assert means(here, there.figures) == {
        "all classes": (0.375, 0.5),
        "pose classes": (0.5, 0.75),
    }


def test_what_keeps_runs_from_comparing():
    other = figures(iou_threshold=0.4)
    other["AP"] = {"stand": 1.0, "jump": 0.0}
    other["ground_truth"] = {"stand": 1000, "jump": 4}
    assert differences(figures(), OtherRun("b", other)) == [
        "iou_threshold is 0.4 in b",
        "2 classes are in this run only: run, walk",
        "1 class is in b only: jump",
        "the annotated labels of 1 class differ: stand has 3 here, 1,000 in b",
    ]
    assert shared_mean(figures(), other) == (1, 0.5, 1.0)
    assert means(figures(), other)["the 1 classes of both"] == (0.5, 1.0)
    assert shared_mean(figures(), {**other, "AP": {"jump": 0.5}}) is None
    many = {**other, "AP": dict.fromkeys("abcde", 0.5)}
    assert "5 classes are in b only: a, b, c, ..." in differences(figures(), OtherRun("b", many))


def test_parts_that_both_runs_have():
    more = {"sizes": {"small": part(None)}, "crowds": {"1 person": part(0.1)}}
    here = figures(**more, video_mAP=tubes(0.2), ground_truth_boxes={"mAP": 0.6, "AP": {}})
    there = figures(**more, video_mAP=tubes(0.3), ground_truth_boxes={"mAP": 0.7, "AP": {}})
    assert list(means(here, there).items())[1:] == [
        ("on annotated boxes", (0.6, 0.7)),
        ("pose classes", (0.5, 0.5)),
        ("size: small", (None, None)),
        ("crowd: 1 person", (0.1, 0.1)),
        ("tubes, video-mAP@0.5", (0.2, 0.3)),
    ]
    assert (
        list(means(here, figures()))
        == list(means(figures(), there))
        == [
            "all classes",
            "pose classes",
        ]
    )


@pytest.mark.parametrize(
    ("other", "clause"),
    [
        (tubes(0.1, "multisports"), "the protocol of tubes is multisports in b"),
        (tubes(0.1, count=5), "the annotated tubes of 1 class differ: stand has 2 here, 5 in b"),
    ],
)
def test_tubes_that_do_not_compare(other, clause):
    here, there = figures(video_mAP=tubes(0.2)), OtherRun("b", figures(video_mAP=other))
    assert tube_differences(here, there) == [clause]
    assert differences(here, there) == []
