"""Lists of videos and of class names in the layouts of other codebases, and malformed ones."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.formats.video_lists import (
    ListedVideo,
    read_class_names,
    read_video_list,
    write_video_list,
)
from ava_det.structures import InputError


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a/b.mp4 5", ListedVideo("a/b.mp4", 5)),
        ("a/b.mp4,5", ListedVideo("a/b.mp4", 5)),
        ("a/b.mp4, 5", ListedVideo("a/b.mp4", 5)),
        ("a/b.mp4\t5\r", ListedVideo("a/b.mp4", 5)),
        ("air drumming/x 1, 2.mp4 0", ListedVideo("air drumming/x 1, 2.mp4", 0)),
        ("frames/v_01 250 7", ListedVideo("frames/v_01", 7, 250)),
        ("frames/v 01,250,7", ListedVideo("frames/v 01", 7, 250)),
        ("12345 3", ListedVideo("12345", 3)),  # Something-Something's names are numbers
    ],
)
def test_each_layout_of_a_row(tmp_path, line, expected):
    path = tmp_path / "list.txt"
    path.write_text(f"\n{line}\n")
    assert read_video_list(path) == [expected]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.mp4", r"row 2: 'path label' belongs here, not 'a\.mp4'"),
        ("a.mp4 walk", "row 2: 'path label' belongs here"),
        ("7", "row 2: 'path label' belongs here"),
        ("a.mp4 -1", "row 2: a label counts from 0, below 9; this one is -1"),
        ("a.mp4 9", "row 2: a label counts from 0, below 9; this one is 9"),
        ("a.mp4 1 2", "row 2: several labels of one video"),
        ("ok.mp4 3", "row 2: ok.mp4 is in row 1 already"),
    ],
)
def test_a_bad_row_is_named(tmp_path, line, message):
    path = tmp_path / "list.csv"
    path.write_text(f"ok.mp4 0\n{line}\n")
    with pytest.raises(InputError, match=rf"list\.csv: {message}"):
        read_video_list(path, num_classes=9)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "lists no video"), (b"\xff\xd8\x00\x81", "not a text file")]
)
def test_what_is_no_list_is_said(tmp_path, content, message):
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_video_list(path)


def test_a_packed_list(tmp_path):
    path = tmp_path / "list.txt.gz"
    path.write_bytes(gzip.compress(b"a.mp4 1\n"))
    assert read_video_list(path) == [ListedVideo("a.mp4", 1)]


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@given(st.dictionaries(NAMES, st.integers(0, 700), min_size=1))
def test_what_is_written_is_read(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    rows = [ListedVideo(f"{name}.mp4", label) for name, label in labels.items()]
    write_video_list(path, rows)
    assert read_video_list(path) == rows


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.txt", "walk\n3 point shot\nsit\n"),
        ("classInd.txt", "2 3 point shot\n1 walk\n3 sit\n"),
        ("from0.txt", "0 walk\n1 3 point shot\n2 sit\n"),
        ("labels.json", json.dumps({"sit": "2", "walk": "0", "3 point shot": "1"})),
        ("labels.csv", "id,name\n1,walk\n2,3 point shot\n3,sit\n"),
    ],
)
def test_each_layout_of_class_names(tmp_path, name, text):
    packed = tmp_path / f"{name}.gz"
    (tmp_path / name).write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    names = {1: "walk", 2: "3 point shot", 3: "sit"}
    assert read_class_names(tmp_path / name).names == read_class_names(packed).names == names


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "\n", "lists no class"),
        ("a.txt", "walk\nwalk\n", "'walk' is listed twice"),
        ("a.json", '{"a": 0, "b": 2}', "labels must be 0, 1, 2"),
        ("a.json", '{"a": 0, "b": 0}', "labels must be 0, 1, 2"),
        ("a.json", "[1, 2]", "not a json of class name"),
        ("a.json", "{", "not JSON"),
    ],
)
def test_class_names_that_are_none(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name}: .*{message}"):
        read_class_names(tmp_path / name)
