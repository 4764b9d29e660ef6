"""Registered recognition sets and people's own lists, with and without class names."""

import pytest
from made_sets import forget

from ava_det.data.sets import recognition_sets
from ava_det.data.sets.catalog import get_dataset
from ava_det.data.subset import stratified_part
from ava_det.structures import InputError, LabelledVideo

NAMES = [
    *(f"kinetics{k}_{half}" for k in (400, 600, 700) for half in ("train", "val")),
    "mini_kinetics200_train",
    "something_v2_val",
    *(
        f"{name}_split{n}_{s}"
        for name in ("ucf101", "hmdb51")
        for n in (1, 2, 3)
        for s in ("train", "test")
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_every_set_has_its_name(name):
    assert get_dataset(name).name == name


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "classes.txt").write_text("walk\nrun\n")
    (tmp_path / "train.csv").write_text("videos/a.mp4,1\n/elsewhere/b.mp4,0\n")
    return tmp_path


def test_a_list_is_read_from_its_folder(tree):
    assert list(recognition_sets.load_videos(tree / "train.csv")) == [
        LabelledVideo("videos/a.mp4", str(tree / "videos/a.mp4"), 1),
        LabelledVideo("/elsewhere/b.mp4", "/elsewhere/b.mp4", 0),
    ]


def test_a_list_file_is_a_data_set(tree):
    name = str(tree / "train.csv")
    dataset = get_dataset(name)
    assert [record.label for record in dataset.videos()] == [1, 0]
    assert list(dataset.class_map().names.values()) == ["walk", "run"]
    part = stratified_part(dataset.videos(), 0.5, 0)
    assert list(part) == list(dataset.videos()), "one of each class at least"
    forget(name)


def test_without_class_names_labels_are_names(tree):
    (tree / "classes.txt").unlink()
    (tree / "train.csv").write_text("a.mp4 2\nb.mp4 0\n")
    assert recognition_sets.load_class_map(tree / "train.csv").names == {1: "0", 2: "1", 3: "2"}


def test_a_label_without_a_class_is_named(tree):
    (tree / "train.csv").write_text("a.mp4 1\nb.mp4 2\n")
    with pytest.raises(InputError, match=r"train\.csv: row 2: .*below 2; this one is 2"):
        recognition_sets.load_videos(tree / "train.csv")


def test_a_set_that_is_not_there_says_where_to_look(tmp_path):
    with pytest.raises(InputError, match=r"val\.csv: not found; see datasets/README\.md"):
        recognition_sets.load_class_map(tmp_path / "val.csv")
