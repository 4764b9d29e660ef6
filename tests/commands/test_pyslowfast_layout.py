"""AVA as somebody has prepared it for PySlowFast: linked, checked, tested and trained on."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_sets import replace

from ava_det.data.sets import ava
from ava_det.data.sets.catalog import datasets_root, register_all
from ava_det.formats.class_map import ClassMap, write_class_map
from benchmarks.made_ava import CLASSES

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "finetune" / "ava_slow_r50_4x16_pyslowfast.py"
BOXES = "person_box_67091280_iou90"
TEST_LIST = "ava_detection_val_boxes_and_labels.csv"
TRAIN_LIST = "ava_detection_train_boxes_and_labels_include_negative_v2.2.csv"
SECONDS = (902, 903, 904)  # the last has no ground truth
SMALL = (
    *("train.device=cpu", "model.architecture=slowfast_tiny", "model.arguments.width=8"),
    *("test.loader.num_workers=0", "test.loader.mapper.transform.size=32"),
)


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def theirs(tmp_path) -> Path:
    """The folder, with two videos of five seconds."""
    root = tmp_path / "theirs" / "ava"
    annotations = root / "annotations"
    for split, video in (("train", "-5KQ66BBWC4"), ("val", "1j20qq1JyX4")):
        folder = root / "frames" / video
        folder.mkdir(parents=True)
        names = [f"{video}_{k + 1:06d}.jpg" for k in range(150)]
        for k, name in enumerate(names):
            picture = np.full((36, 49, 3), k, np.uint8)
            cv2.imwrite(str(folder / name), picture)
        lines = [f'{video} 0 {k} {video}/{name} ""' for k, name in enumerate(names)]
        title = "original_vido_id video_id frame_id path labels"
        write(root / "frame_lists" / f"{split}.csv", title, *lines)
        truth = [f"{video},{k:04d},0.2,0.1,0.6,0.9,{a},0" for k in SECONDS[:2] for a in (12, 80)]
        write(annotations / f"ava_{split}_v2.2.csv", *truth)
        write(annotations / f"ava_{split}_excluded_timestamps_v2.2.csv")
        found = [f"{video},{k:04d},0.21,0.1,0.6,0.9,{a},0.99" for k in SECONDS for a in (12, 80)]
        found += [f"{video},0902,0.7,0.2,0.9,0.9,,0.93", f"{video},0902,0.7,0.2,0.8,0.8,,0.4"]
        write(annotations / BOXES / (TRAIN_LIST if split == "train" else TEST_LIST), *found)
    write_class_map(annotations / "ava_action_list_v2.2.pbtxt", CLASSES)
    counts = ClassMap({k: CLASSES.names[k] for k in (12, 80)})
    write_class_map(annotations / "ava_action_list_v2.2_for_activitynet_2019.pbtxt", counts)
    return root


@pytest.fixture
def linked(theirs, tmp_path, monkeypatch) -> Path:
    """`ava` below `$DETECTRON2_DATASETS`, as a link."""
    register_all()
    usual, root = datasets_root(), tmp_path / "datasets"
    root.mkdir()
    (root / "ava").symlink_to(theirs)
    monkeypatch.setenv("DETECTRON2_DATASETS", str(root))
    register_again(root)
    yield root / "ava"
    register_again(usual)


def register_again(root: Path) -> None:
    replace(*ava.datasets(root))


def test_it_is_found_and_fine(run_tool, linked):
    boxes = linked / "annotations" / BOXES / TEST_LIST
    ran = run_tool("check_data", "--dataset", "ava_v2.2_val", "--rate", "30", "--proposals", boxes)
    assert ran.code == 0, ran.out
    assert "4 rows of 1 videos" in ran.out
    assert "0.000      4" in ran.out  # boxes of two labels, and the other one, at two keyframes
    assert "proposals on keyframes that are not annotated (2)" in ran.out
    assert "no errors, 1 kind of warning" in ran.out


def test_all_keyframes_of_the_list_are_tested(run_tool, linked, tmp_path):
    ran = run_tool(
        "test", "--config", CONFIG, "--untrained", "--output", tmp_path / "tested", *SMALL
    )
    assert ran.code in (None, 0), ran.err
    with open(tmp_path / "tested" / "detections.csv") as file:
        rows = {(row[1], *row[2:6]) for row in csv.reader(file)}
    assert sorted(int(row[0]) for row in rows) == [902, 902, 903, 904]


def test_its_training_list_is_trained_on(run_tool, linked, tmp_path):
    out = tmp_path / "trained"
    overrides = (
        *("train.epochs=null", "train.max_iter=1", "train.eval_period=0"),
        *("dataloader.train.batch_size=2", "dataloader.train.num_workers=0"),
        "dataloader.train.mapper.transform={lowest: 32, highest: 40, size: 32}",
    )
    ran = run_tool(
        "finetune", "--config", CONFIG, "--from-scratch", "--output", out, *SMALL, *overrides
    )
    assert ran.code in (None, 0), ran.err
    assert (out / "model.safetensors").is_file()


def test_the_list_of_all_classes_is_asked_for(run_tool, linked, theirs):
    (theirs / "annotations" / "ava_action_list_v2.2.pbtxt").unlink()
    ran = run_tool("check_data", "--dataset", "ava_v2.2_val")
    assert ran.code == 1
    assert "ava_action_list_v2.2.pbtxt: no such file; see datasets/README.md" in ran.err
