"""datasets/convert.py: a film annotated in each tool's format, to AVA's csv and back."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from ava_det.data.video_writer import VideoWriter
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.class_map import read_class_map
from ava_det.formats.cvat import write_cvat
from ava_det.formats.shapes import Shape, from_table

TOOL = Path(__file__).resolve().parents[2] / "datasets" / "convert.py"
NAMES = ["sit", "wave"]
SHAPES = [
    Shape("film", 0, (0.25, 0.25, 0.5, 0.75), ("sit",), 1),
    Shape("film", 2, (0.25, 0.25, 0.5, 0.875), ("sit", "wave"), 1),
    Shape("film", 2, (0.5, 0.25, 0.75, 0.75), (), 2),
]


@pytest.fixture
def convert(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    with VideoWriter(tmp_path / "videos/film.mp4", height=64, width=128, rate=10, threads=1) as out:
        for _ in range(6):
            out.write(np.zeros((64, 128, 3), np.uint8))
    write_cvat("film.xml", SHAPES, NAMES, frames=6, height=64, width=128)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["convert.py", *arguments, "--videos", "videos"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL), run_name="__main__")
        return ended.value.code, capsys.readouterr()

    return call


def shapes_in(folder: str) -> list[Shape]:
    classes = read_class_map(f"{folder}/classes.pbtxt")
    return from_table(read_ground_truth(f"{folder}/annotations.csv"), classes)


@pytest.mark.parametrize(
    ("back", "written"),
    [("cvat", "film.xml"), ("coco", "instances.json"), ("via", "project.json")],
)
def test_there_and_back_again(convert, back, written):
    code, printed = convert("cvat", "film.xml", "--output", "mine")
    assert code == 0, printed.err
    assert "3 boxes on 2 keyframes, 2 actions; 1 boxes without one" in printed.out
    assert shapes_in("mine") == SHAPES
    rate = ["--rate", "10"] if back == "via" else []
    code, printed = convert(f"to-{back}", "mine/annotations.csv", "--output", "theirs", *rate)
    assert code == 0, printed.err
    code, printed = convert(back, f"theirs/{written}", "--output", "again", *rate)
    assert code == 0, printed.err
    assert shapes_in("again") == SHAPES
    description = Path("again/data.toml").read_text()
    assert 'videos = "../videos"' in description
    assert ("rate = 10.0" in description) == (back == "via")


def test_misuse_is_told_in_one_line(convert):
    Path("none.xml").write_text("<annotations/>")
    Path("other.pbtxt").write_text('label { name: "fly" label_id: 1 }')
    Path("empty.json").write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    for arguments, message in [
        (["cvat", "none.xml"], "none.xml: not the export of one task"),
        (["cvat", "gone.xml"], "gone.xml: No such file or directory"),
        (["cvat", "film.xml", "--every", "0"], "--every is at least 1"),
        (
            ["cvat", "film.xml", "--class-map", "other.pbtxt"],
            "action 'sit' is not in the class map",
        ),
        (["coco", "empty.json"], "empty.json: has no box to convert"),
        (["coco", "film.xml"], "film.xml: not JSON"),
    ]:
        code, printed = convert(*arguments, "--output", "mine")
        assert code == 1
        assert message in printed.err
        assert printed.err.count("\n") == 1
        assert not Path("mine").exists()
