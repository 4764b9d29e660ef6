"""Person boxes as a user makes them: train on a small world, then run over its keyframes."""

import json

import numpy as np
import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from ava_det.data.video_writer import VideoWriter
from ava_det.formats.ava_csv import people_by_keyframe, read_boxes
from ava_det.formats.class_map import ClassMap
from ava_det.structures import (
    AVA_CLOCK,
    FRAME_CLOCK,
    AnnotatedKeyframe,
    Keyframe,
    LabelledVideo,
    PersonBoxes,
)

SMALL = [
    "model.arguments.width=8",
    "clip.short_side=64",
    "dataloader.train.mapper.transform={lowest:64,highest:64}",
    "dataloader.train.batch_size=2",
    "dataloader.train.num_workers=0",
    "test.loader.num_workers=0",
    "test.loader.records.every=1",
    "train.log_period=1",
]


@pytest.fixture
def world(tmp_path):
    """Two registered data sets of one film: a bright block that moves over a dark floor."""
    path = tmp_path / "film.mp4"
    records = []
    with VideoWriter(path, height=64, width=96, rate=25, threads=1) as writer:
        for tick in range(8):
            frame = np.full((64, 96, 3), 40, np.uint8)
            frame[16:48, 8 * tick : 8 * tick + 16] = 220
            writer.write(frame)
            box = np.array([[8 * tick / 96, 0.25, (8 * tick + 16) / 96, 0.75]])
            people = PersonBoxes(
                Keyframe("film", tick), box, ((1,),), np.ones(1), np.full(1, -1, np.int64)
            )
            records.append(AnnotatedKeyframe(str(path), people))
    names = {"toy_train": records, "toy_test": records[::2]}
    for name, part in names.items():
        DatasetCatalog.register(name, lambda part=part: part)
        MetadataCatalog.get(name).set(class_map=ClassMap({1: "slide"}), clock=FRAME_CLOCK)
    DatasetCatalog.register("toy_clips", lambda: [LabelledVideo("film", str(path), 0)])
    MetadataCatalog.get("toy_clips").set(class_map=ClassMap({1: "slide"}), clock=AVA_CLOCK)
    yield "toy"
    for name in [*names, "toy_clips"]:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)


def test_train_then_run(world, run_tool, tmp_path):
    output = tmp_path / "run"
    trained = run_tool(
        "propose",
        "--train",
        "--dataset",
        "toy_train",
        "--output",
        output,
        *SMALL,
        "train.max_iter=3",
    )
    assert trained.code == 0, trained.err
    lines = [json.loads(line) for line in (output / "metrics.json").read_text().splitlines()]
    figures = {name for line in lines for name in line if name.startswith("persons/")}
    assert figures == {"persons/AP", "persons/AP50", "persons/recall50"}

    boxes = tmp_path / "boxes" / "toy.csv"
    arguments = ["--dataset", "toy_test", "--weights", output / "model.safetensors"]
    ran = run_tool("propose", *arguments, "--output", boxes, "--score-threshold", 0)
    assert ran.code == 0, ran.err
    assert "recall at IoU 0.5" in ran.out
    found = people_by_keyframe(read_boxes(boxes))
    assert set(found) == {Keyframe("film", tick) for tick in (0, 2, 4, 6)}
    assert all((people.scores <= 1).all() and not any(people.actions) for people in found.values())

    ran = run_tool("propose", *arguments, "--output", boxes, "--score-threshold", 2)
    assert ran.code == 0, ran.err
    assert "0 boxes on 4 keyframes" in ran.out
    assert set(people_by_keyframe(read_boxes(boxes))) == set(found)  # listed as empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "toy_test"], "give --weights to find people, or --train to learn how"),
        (["--dataset", "nowhere", "--weights", __file__], "unknown data set 'nowhere'"),
        (["--dataset", "toy_test", "--weights", __file__], "not a safetensors file"),
        (["--dataset", "toy_test", "--weights", "none.safetensors"], "no such file"),
        (["--dataset", "toy_clips", "--weights", "none"], "toy_clips: has no keyframes"),
        (
            ["--train", "--dataset", "toy_train", "toy_clips", "--test-dataset", "toy_test"],
            "toy_clips: its ticks are not those of toy_train",
        ),
        (["--train", "--dataset", "toy_test"], "both trained and tested on"),
        (["--train", "--dataset", "toy_train", "--test-dataset", "no"], "unknown data set 'no'"),
        (["--train", "--dataset", "toy_train", "--config", "none.py"], "none.py: no such config"),
    ],
)
def test_misuse_is_told_in_one_line(world, run_tool, tmp_path, arguments, message):
    ran = run_tool("propose", *arguments, "--output", tmp_path / "out")
    assert ran.code == 1
    assert message in ran.err
    assert ran.err.count("\n") == 1
