"""VIA 3 projects, written here as VIA writes them."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.formats.tools.choice import Choice
from ava_det.formats.tools.shapes import Shape
from ava_det.formats.tools.via import Segment, actions_at, read_via, write_via
from ava_det.structures import Clock, InputError

PROJECT = {
    "project": {
        "pid": "__VIA_PROJECT_ID__",
        "rev": "__VIA_PROJECT_REV_ID__",
        "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
        "pname": "kitchen",
        "creator": "VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)",
        "created": 1649082838493,
        "data_format_version": "3.1.1",
        "vid_list": ["1"],
    },
    "config": {
        "file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}},
        "ui": {"file_content_align": "center", "spatial_region_label_attribute_id": "1"},
    },
    "attribute": {
        "1": {
            "aname": "pose",
            "anchor_id": "FILE1_Z1_XY1",
            "type": 3,
            "desc": "",
            "options": {"0": "sit", "1": "stand"},
            "default_option_id": "",
        },
        "2": {
            "aname": "action",
            "anchor_id": "FILE1_Z1_XY1",
            "type": 2,
            "desc": "",
            "options": {"3": "talk to", "4": "eat"},
            "default_option_id": "",
        },
        "3": {
            "aname": "person",
            "anchor_id": "FILE1_Z1_XY1",
            "type": 1,
            "desc": "",
            "options": {},
            "default_option_id": "",
        },
        "4": {
            "aname": "TEMPORAL-SEGMENTS",
            "anchor_id": "FILE1_Z2_XY0",
            "type": 4,
            "desc": "",
            "options": {"default": "dinner"},
            "default_option_id": "default",
        },
    },
    "file": {"1": {"fid": 1, "fname": "kitchen.mp4", "type": 4, "loc": 1, "src": ""}},
    "view": {"1": {"fid_list": [1]}},
    "metadata": {
        "1_aBcD3fGh": {
            "vid": "1",
            "flg": 0,
            "z": [2.04],
            "xy": [2, 20, 10, 40, 50],
            "av": {"1": "1", "2": "3,4", "3": "5"},
        },
        "1_bBcD3fGh": {
            "vid": "1",
            "flg": 0,
            "z": [4],
            "xy": [2, 100, 0, 110, 50],
            "av": {"1": "0", "2": "", "3": ""},
        },
        "1_sEgm3nT0": {"vid": "1", "flg": 0, "z": [3.5, 4.5], "xy": [], "av": {"4": "default"}},
    },
}


def size_of(video):
    assert video == "kitchen"
    return 100, 200


@pytest.fixture
def read(tmp_path):
    def call(content, *choice):
        path = tmp_path / "project.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_via(path, size_of, Clock(1.0, 900), "person", *choice)

    return call


def test_boxes_actions_and_segments(read):
    annotations = read(PROJECT)
    first, second = annotations.shapes
    assert first == Shape("kitchen", 902, (0.1, 0.1, 0.3, 0.6), ("stand", "talk to", "eat"), 5)
    # It reaches 10 pixels over the border, where it is cut; the segment says what everyone does.
    assert second == Shape("kitchen", 904, (0.5, 0.0, 1.0, 0.5), ("sit", "dinner"), -1)
    assert annotations.actions == ("sit", "stand", "talk to", "eat", "dinner")


def test_folders_are_part_of_the_name(tmp_path):
    path = tmp_path / "project.json"
    path.write_text(json.dumps(changed("file", "1", "fname", "golf/swing.1.mp4")))
    found = read_via(path, lambda _: (100, 200), Clock(1.0), "person")
    assert {shape.video for shape in found.shapes} == {"golf/swing.1"}


def test_texts_and_the_unnamed_segment_are_no_actions(read):
    content = changed("attribute", "5", {"aname": "note", "type": 1, "options": {}})
    content["attribute"]["4"]["options"] = {"default": "Default"}  # as in every new project
    content["attribute"]["1"]["options"]["0"] = "None"  # a list's way to choose nothing
    content["metadata"]["1_aBcD3fGh"]["av"]["5"] = "limps"
    found = read(content)
    assert [shape.actions for shape in found.shapes] == [("stand", "talk to", "eat"), ()]
    assert found.actions == ("stand", "talk to", "eat")
    assert found.left_out == {"values of the attribute 'note'": 1}
    assert found.attributes == ("pose", "action", "TEMPORAL-SEGMENTS", "note")
    chosen = read(content, Choice(attributes=("note", "pose")))
    assert [shape.actions for shape in chosen.shapes] == [("stand", "limps"), ()]
    assert chosen.actions == ("stand", "limps")


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({"xy": [7, 1, 2, 3, 4, 5, 6]}, "polygons, not rectangles"),
        ({"xy": [8, 1, 2, 3, 4, 5, 6, 7, 8]}, "shapes, not rectangles"),
        ({"xy": [[2], 1, 2, 3, 4]}, "shapes, not rectangles"),
        ({"z": []}, "rectangles without a time of their own"),
        ({"z": [2.0, 3.0]}, "rectangles without a time of their own"),
        ({"xy": []}, "marks that are neither rectangle nor segment"),
    ],
)
def test_other_shapes_are_counted(read, entry, what):
    content = copy.deepcopy(PROJECT)
    content["metadata"]["1_aBcD3fGh"] |= entry
    found = read(content)
    assert len(found.shapes) == 1
    assert found.left_out == {what: 1}


def test_what_is_written_reads_the_same(tmp_path):
    shapes = [
        Shape("kitchen", 902, (0.25, 0.25, 0.5, 0.75), ("eat", "a, b"), 3),
        Shape("kitchen", 903, (0.25, 0.25, 0.5, 0.75), ("a, b",), -1),
    ]
    clock = Clock(5.0, 900)
    path = tmp_path / "project.json"
    write_via(path, shapes, ["eat", "a, b"], size_of, clock)
    annotations = read_via(path, size_of, clock, "person")
    assert annotations.shapes == tuple(shapes)
    assert annotations.actions == ("eat", "a, b")


def at_times(*times):
    content = copy.deepcopy(PROJECT)
    box = content["metadata"]["1_aBcD3fGh"]
    content["metadata"] = {str(k): {**box, "z": [time]} for k, time in enumerate(times)}
    return content


@pytest.mark.parametrize(
    ("times", "off", "rate", "ticks"),
    [
        ((0.47, 0.705, 1.2), 2, 200, [94, 141, 240]),
        ((0.47000000001, 0.4, 0.6), 1, 100, [47, 40, 60]),
        ((0.067, 0.033, 0.4), 1, 30, [2, 1, 12]),
        ((0.333, 1.001, 2.4568), 2, 1000, [333, 1001, 2457]),
    ],
)
def test_times_between_ticks_are_told_with_a_rate_for_all(tmp_path, times, off, rate, ticks):
    path = tmp_path / "project.json"
    path.write_text(json.dumps(at_times(*times)))
    message = f"metadata 0: .* at 5 a second, like {off} of {len(times)} boxes; --rate {rate} "
    with pytest.raises(InputError, match=message):
        read_via(path, size_of, Clock(5.0))
    assert [shape.tick for shape in read_via(path, size_of, Clock(rate)).shapes] == ticks


@pytest.mark.parametrize("time", [0.0, 0.0004999, 12.3455, 3599.98765])
def test_a_thousand_ticks_a_second_take_any_time(tmp_path, time):
    path = tmp_path / "project.json"
    path.write_text(json.dumps(at_times(time)))
    (shape,) = read_via(path, size_of, Clock(1000.0)).shapes
    assert shape.tick == pytest.approx(1000 * time, abs=0.5001)


def changed(*path_and_value):
    *path, last, value = path_and_value
    content = copy.deepcopy(PROJECT)
    place = content
    for key in path:
        place = place[key]
    place[last] = value
    return content


BOX = ("metadata", "1_aBcD3fGh")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "the file is '.1.', not of object"),
        ({"project": {}}, "has no attribute"),
        (changed("metadata", []), "metadata is '..', not of object"),
        (changed("attribute", "1", "options", [1]), "attribute 1: its options are no object"),
        (
            {
                **PROJECT,
                "file": {**PROJECT["file"], "2": {"fname": "kitchen.avi"}},
                "view": {**PROJECT["view"], "2": {"fid_list": [2]}},
            },
            "files 1 and 2 are both named 'kitchen.avi'; put the folder in",
        ),
        (changed("view", "1", {"fid_list": []}), "view 1: its file is not in the project"),
        (changed(*BOX, "vid", "2"), "metadata 1_aBcD3fGh: view '2' is not in the project"),
        (
            changed(*BOX, "z", [2.4]),
            "metadata 1_aBcD3fGh: 2.4 s lies between two ticks at 1 a second, like 1 of 2 boxes; "
            "--rate 5 takes all to the millisecond",
        ),
        (changed(*BOX, "z", [-1]), "-1 s is before the video begins"),
        (changed(*BOX, "z", ["2"]), "z is .'2'., not 2 numbers"),
        (changed(*BOX, "xy", [2, 1, 2, 3]), "xy is .2, 1, 2, 3., not 5 numbers"),
        (changed(*BOX, "xy", [2, 1, 2, -3, 4]), "is no box"),
        (changed(*BOX, "xy", [2, 1, 2, float("nan"), 4]), "not 5 numbers"),
        (changed(*BOX, "xy", [2, 500, 2, 3, 4]), "outside the frame of 200 x 100"),
        (changed(*BOX, "av", {"9": "1"}), "attribute '9' is not in the project"),
        (changed(*BOX, "av", {"1": "7"}), "attribute 'pose' has no option '7'"),
        (changed(*BOX, "av", {"3": "Bob"}), "person 'Bob' is not a whole number"),
        (changed(*BOX, "av", {"3": "1" * 5000}), "person '1{80}' is not a whole number"),
        (
            changed("attribute", "1", "options", {"0": [1]}),
            r"attribute 1: 0 is '\[1\]', not of str",
        ),
        (changed("view", "1", {"fid_list": [[1]]}), "view 1: its file is not in the project"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(read, content, message):
    with pytest.raises(InputError, match=message) as error:
        read(content)
    assert "\n" not in str(error.value)


segments = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9), st.sampled_from("xyz"))
)


@pytest.mark.holds("13.9 bounds: work that grows with a file, not with its square")
@given(segments, st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), min_size=1))
def test_a_segment_says_what_everyone_in_it_does(spans, boxes):
    said = actions_at([Segment(v, s, e, (action,)) for v, s, e, action in spans], boxes)
    for (video, time), actions in zip(boxes, said, strict=True):
        expected = {action for v, s, e, action in spans if v == video and s <= time <= e}
        assert set(actions) == expected
        assert len(actions) == len(expected)
