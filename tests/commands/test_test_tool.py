"""tools/test.py on a set with a torn film: it ends, counts it and lists it."""

import csv
import json

import numpy as np
import pytest
from made_sets import registered

from ava_det.data.sets import ava
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.formats.outputs import alone
from ava_det.video.writer import VideoWriter

NAME = "torn_films"
CONFIG = "configs/finetune/jhmdb_slowfast_tiny.py"


@pytest.fixture
def settings(tmp_path):
    """Overrides of a config that tests on a whole film and a torn one."""
    (tmp_path / "videos").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    for name in ("whole", "torn"):
        with VideoWriter(tmp_path / "videos" / f"{name}.mp4", 48, 64, rate=30) as writer:
            for shift in range(90):
                writer.write(np.roll(noise, shift, 1))
    torn = tmp_path / "videos" / "torn.mp4"
    torn.write_bytes(torn.read_bytes()[:500])
    rows = [f"{name},0901,0.1,0.1,0.9,0.9,1,0" for name in ("whole", "torn")]
    (tmp_path / "truth.csv").write_text("\n".join(rows))
    (tmp_path / "boxes.csv").write_text("whole,0901,0.1,0.1,0.9,0.9,,0.9\n")
    write_class_map(tmp_path / "classes.pbtxt", ClassMap({1: "stand", 2: "sit"}))
    files = ava.AvaFiles(tmp_path / "truth.csv", tmp_path / "classes.pbtxt", tmp_path / "videos")
    with registered(ava.dataset(NAME, files)):
        yield [
            *(f"data.train={NAME}", f"data.test={NAME}"),
            *("model.exclusive=[]", "model.arguments.width=8"),
            *("clip.frames=8", "clip.short_side=32", "test.loader.num_workers=0"),
            *("test.loader.records.every=1", f"test.loader.mapper.reader.folder={tmp_path}"),
        ]


def test_a_torn_film_is_counted_and_listed(run_tool, settings, tmp_path):
    arguments = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out", *settings]
    done = run_tool("test", *arguments)
    assert done.code == 1
    assert "torn.mp4" in done.err
    assert "more than 10 %" in done.err
    done = run_tool("test", *arguments, "test.loader.max_unreadable=0.5")
    assert done.code == 0, done.err
    listed = tmp_path / "out" / "unreadable.csv"
    assert f"1 videos are left out as unreadable: {listed}" in done.out
    with open(listed, newline="") as file:
        assert [row["video"] for row in csv.DictReader(file)] == ["torn"]
    assert json.loads((tmp_path / "out" / "result.json").read_text())["unreadable"] == 1


def test_a_threshold_of_no_proposals_is_misuse(run_tool, settings, tmp_path):
    given = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out", *settings]
    done = run_tool("test", *given, "--threshold", 0.5)
    assert done.code == 2
    assert "--threshold needs --proposals" in done.err
    assert not (tmp_path / "out").exists()
    # The config may name them as well.
    listed = f"test.loader.records.proposals={tmp_path / 'boxes.csv'}"
    given += [listed, "test.loader.max_unreadable=0.5"]
    assert run_tool("test", *given, "--threshold", 0.5).code == 0


def test_boxes_of_a_file_whose_name_has_spaces(run_tool, settings, tmp_path):
    boxes = (tmp_path / "boxes.csv").rename(tmp_path / "my boxes, 1.csv")
    arguments = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out"]
    arguments += ["--proposals", boxes, "--threshold", 0.5]
    done = run_tool("test", *arguments, *settings, "test.loader.records.every=2")
    assert done.code == 0, done.err
    rows = (tmp_path / "out" / "detections.csv").read_text().splitlines()
    assert {row.split(",")[0] for row in rows} == {"whole"}


def test_tubes_by_either_protocol(run_tool, settings, tmp_path):
    """The tool reports that one keyframe is too short a tube. An unreadable keyframe is no tube."""
    arguments = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out"]
    settings = ["test.loader.max_unreadable=0.5", *settings]
    done = run_tool("test", *arguments, "--video-map", *settings)
    assert done.code == 0, done.err
    assert "video-mAP@0.5 (act): 0.0000" in done.out
    assert "left out: " in done.err
    assert "1 of 1 tubes of the ground truth last less than the 15 ticks" in done.err
    done = run_tool(
        "test", *arguments, "--video-map", "--video-map-protocol", "multisports", *settings
    )
    assert "video-mAP@0.5 (multisports): 0.0000" in done.out
    tubes = json.loads((tmp_path / "out" / "result.json").read_text())["video_mAP"]
    assert (tubes["protocol"], tubes["least_ticks"]) == ("multisports", 15)
    done = run_tool("test", *arguments, *settings, "--video-map", "--video-map-protocol", "mine")
    assert done.code == 2
    assert "argument --video-map-protocol: invalid choice: 'mine'" in done.err
    done = run_tool("test", *arguments, *settings, "--video-map-protocol", "act")
    assert done.code == 2
    assert "--video-map-protocol needs --video-map" in done.err


@pytest.mark.holds("13.5 perfect answers on the readable keyframes are 100 %, by both tools")
@pytest.mark.parametrize("boxes", ["annotated", "proposed"])
def test_nobody_is_missed_where_nothing_can_be_read(run_tool, settings, tmp_path, boxes):
    """Of 8 keyframes, 4 lie in a torn film and 2 behind the end of the other one."""
    ticks = [*range(900, 902), 950, 951]
    rows = [
        f"{name},{tick:04d},0.1,0.1,0.9,0.9,1,0" for name in ("whole", "torn") for tick in ticks
    ]
    (tmp_path / "truth.csv").write_text("\n".join(rows))
    (tmp_path / "boxes.csv").write_text("\n".join(row[:-4] + ",,0.9" for row in rows))
    arguments = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out", "--video-map"]
    if boxes == "proposed":
        arguments += ["--proposals", tmp_path / "boxes.csv"]
    done = run_tool("test", *arguments, *settings, "test.loader.max_unreadable=1")
    assert done.code == 0, done.err
    assert "frame-mAP (uncapped): 100.00 %" in done.out
    assert "6 annotated keyframes of these videos do not count" in done.out
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (result["mAP"], result["unreadable"], result["unreadable_keyframes"]) == (1, 2, 6)
    truth = read_ground_truth(tmp_path / "out" / "ground_truth.csv")
    assert list(zip(truth["video"], truth["tick"], strict=True)) == [("whole", 900), ("whole", 901)]
    files = [tmp_path / "out" / "detections.csv", "--ground-truth"]
    files += [tmp_path / "out" / "ground_truth.csv", "--class-map", tmp_path / "out/classes.pbtxt"]
    more = ["--protocol", "uncapped", "--video-map", "--json", tmp_path / "ap.json"]
    done = run_tool("evaluate", *files, *more)
    assert done.code == 0, done.err
    found = json.loads((tmp_path / "ap.json").read_text())
    assert (found["mAP"], found["video_mAP"]) == (1, result["video_mAP"])


@pytest.mark.holds("13.5 a test set of which nothing that counts can be read is an error")
def test_nothing_to_read_is_an_error(run_tool, settings, tmp_path):
    (tmp_path / "truth.csv").write_text("torn,0901,0.1,0.1,0.9,0.9,1,0")
    arguments = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out", *settings]
    done = run_tool("test", *arguments, "test.loader.max_unreadable=1")
    assert done.code == 1
    assert "no keyframe of the test set with evaluated classes can be read" in done.err


@pytest.mark.holds("13.11 two at once: test.py refuses before it writes")
@pytest.mark.parametrize("held", ["out/result.json", "features.npz"])
def test_what_another_process_writes_is_refused(run_tool, settings, tmp_path, held):
    (tmp_path / "out").mkdir()
    features = ["--features", tmp_path / "features.npz"]
    given = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out", *features, *settings]
    with alone(tmp_path / held):
        done = run_tool("test", *given)
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith(f"error: {tmp_path / held}: another process is")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.holds("13.12 scores are from 0 to 1: test.py")
@pytest.mark.parametrize("threshold", ["50", "-1", "nan"])
def test_a_threshold_that_is_no_score_is_misuse(run_tool, settings, tmp_path, threshold):
    given = ["--config", CONFIG, "--untrained", "--output", tmp_path / "out", *settings]
    done = run_tool("test", *given, "--proposals", "b.csv", f"--threshold={threshold}")
    assert done.code == 2
    assert f"argument --threshold: {threshold} is not a number from 0 to 1" in done.err
