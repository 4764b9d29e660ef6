"""COCO JSON, written here as CVAT and as COCO-VID write it."""

import copy
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.formats.tools.choice import LABEL, Choice
from ava_det.formats.tools.coco import read_coco, write_coco
from ava_det.formats.tools.cvat import read_cvat, write_cvat
from ava_det.formats.tools.shapes import Shape, class_map_of, from_table, to_table
from ava_det.formats.tools.via import read_via, write_via
from ava_det.structures import Clock, InputError

CVAT = {
    "licenses": [{"name": "", "id": 0, "url": ""}],
    "info": {"contributor": "", "date_created": "", "description": "", "url": "", "version": ""},
    "categories": [{"id": 1, "name": "person", "supercategory": ""}],
    "images": [
        {
            "id": 1,
            "width": 200,
            "height": 100,
            "file_name": "kitchen/frame_000004.PNG",
            "license": 0,
            "flickr_url": "",
            "coco_url": "",
            "date_captured": 0,
        }
    ],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "segmentation": [],
            "area": 2000.0,
            "bbox": [20.0, 10.0, 40.0, 50.0],
            "iscrowd": 0,
            "attributes": {
                "pose": "sit",
                "talk": True,
                "eat": False,
                "occluded": False,
                "rotation": 0.0,
                "track_id": 3,
                "keyframe": True,
            },
        }
    ],
}


@pytest.fixture
def read(tmp_path):
    def call(content, *arguments):
        path = tmp_path / "instances.json"
        path.write_text(json.dumps(content))
        return read_coco(path, *arguments)

    return call


def test_as_cvat_writes_it(read):
    expected = Shape("kitchen", 4, (0.1, 0.1, 0.3, 0.6), ("sit", "talk"), 3)
    assert read(CVAT).shapes == (expected,)
    assert read(CVAT, Choice(every=3)).shapes == ()
    assert read(CVAT, Choice(LABEL)).shapes[0].actions == ("person",)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"file_name": "a/b/kitchen/000123.jpg"}, ("a/b/kitchen", 123)),
        ({"file_name": "golf\\swing.1\\img_7.jpg"}, ("golf/swing.1", 7)),
        ({"file_name": "images/kitchen_000123.jpg"}, ("images/kitchen", 123)),
        ({"file_name": "frame_000123.PNG"}, ("", 123)),  # CVAT's own
        ({"file_name": "image12.jpg"}, ("", 12)),
        ({"file_name": "000123.jpg"}, ("", 123)),
        ({"file_name": "kitchen_000123.jpg"}, ("kitchen", 123)),
        ({"file_name": "kitchen2-7.png"}, ("kitchen2", 7)),
        ({"file_name": "x.jpg", "video_id": 5, "frame_id": 9}, ("golf/film", 9)),
        ({"file_name": "x.jpg", "video_id": 5, "frame_index": 0}, ("golf/film", 0)),
    ],
)
def test_where_video_and_frame_stand(read, image, expected):
    content = copy.deepcopy(CVAT)
    content["images"][0] = {"id": 1, "width": 200, "height": 100, **image}
    content["videos"] = [{"id": 5, "name": "golf/film.mp4"}]
    (shape,) = read(content).shapes
    assert (shape.video, shape.tick) == expected


def changed(kind, **fields):
    content = copy.deepcopy(CVAT)
    content[kind][0] |= fields
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "has no images"),
        (changed("images", id="1"), "image 1: id is '1', not of int"),
        (changed("images", height=0), "of 200 x 0 pixels"),
        (changed("images", file_name="kitchen.jpg"), "names no frame"),
        (changed("images", video_id=5, frame_id=1), "video 5 is not in the file"),
        (
            {**CVAT, "images": [CVAT["images"][0], {**CVAT["images"][0], "id": 2}]},
            "image 2: is frame 4 of video 'kitchen', as image 1 is",
        ),
        (changed("annotations", attributes={"pose": {"a": 1}}), "attribute 'pose' is .*, not text"),
        (changed("annotations", image_id=9), "annotation 1: image 9 or category 1 is not in"),
        (changed("annotations", bbox=[1, 2, 3]), "bbox is .1, 2, 3., not 4 numbers"),
        (changed("annotations", bbox=[1, 2, 0, 3]), "is no box"),
        (changed("annotations", bbox=[1, 2, 900, 3]), "outside the frame"),
        (changed("annotations", track_id=1.5), "track_id is 1.5, not a whole number"),
        (changed("annotations", track_id=float("nan")), "track_id is nan, not a whole number"),
        (changed("annotations", track_id=True), "track_id is 'True', not of int or float"),
        (changed("annotations", track_id=[1]), "track_id is '.1.', not of int or float"),
        (changed("images", width=320.5), "image 1: width is 320.5, not a whole number"),
        (changed("annotations", attributes=[1]), "its attributes are no object"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(read, content, message):
    with pytest.raises(InputError, match=message) as error:
        read(content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "person"),
    [
        ({"track_id": None}, 3),  # CVAT's attribute says it
        ({"track_id": None, "instance_id": 4.0}, 4),
        ({"track_id": "7"}, 7),
        ({"track_id": 7.0}, 7),
        ({"track_id": "", "attributes": {"pose": "sit"}}, -1),
        ({"track_id": None, "attributes": {"pose": "sit", "track_id": None}}, -1),
    ],
)
def test_a_track_id_may_be_unknown_or_written_otherwise(read, fields, person):
    found = read(changed("annotations", **fields))
    assert [shape.person for shape in found.shapes] == [person]
    assert not found.own_people


def test_people_who_are_called_by_texts_are_numbered_in_each_video(read):
    content = changed("annotations", attributes={"pose": "sit"})
    (image,), (box,) = content["images"], content["annotations"]
    others = {2: "kitchen/frame_9.jpg", 3: "hall/frame_1.jpg", 4: "yard/frame_1.jpg"}
    content["images"] += [{**image, "id": k, "file_name": name} for k, name in others.items()]
    people = [(1, "Bob"), (1, 0), (1, None), (2, "Ann"), (2, "Bob"), (3, "Ann"), (4, 5)]
    content["annotations"] = [{**box, "image_id": k, "track_id": who} for k, who in people]
    found = read(content)
    assert [shape.person for shape in found.shapes] == [0, 1, -1, 2, 0, 0, 5]
    assert found.own_people


def test_numbers_may_be_written_with_a_point(read):
    content = changed("images", id=1.0, width=200.0, height=100.0)
    content["annotations"][0] |= {"image_id": 1.0, "category_id": 1.0}
    content["categories"][0]["id"] = 1.0
    assert read(content) == read(CVAT)


def busy():
    content = changed("annotations", attributes={"pose": "sit", "id": 7.0, "age": "40"})
    (person,) = content["annotations"]
    content["categories"].append({"id": 2, "name": "car"})
    content["annotations"] += [
        {**person, "id": 2, "category_id": 2, "attributes": {"color": "red"}},
        {**person, "id": 3, "iscrowd": 1},
    ]
    return content


def test_only_people_are_people_and_numbers_no_actions(read):
    found = read(busy())
    assert [shape.actions for shape in found.shapes] == [("sit",)]
    assert found.actions == ("sit",)
    assert found.left_out == {
        "values of the attribute 'id'": 1,
        "values of the attribute 'age'": 1,
        "boxes of the category 'car'": 1,
        "boxes of crowds (iscrowd)": 1,
    }
    assert (found.labels, found.attributes) == (("person", "car"), ("pose", "id", "age", "color"))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(labels=("car",)), [("red",)]),
        (Choice(labels=("car", "person"), attributes=("color", "age")), [("40",), ("red",)]),
        (Choice(LABEL), [("person",), ("car",)]),
        (Choice(LABEL, labels=("car",)), [("car",)]),
    ],
)
def test_labels_and_attributes_can_be_chosen(read, choice, expected):
    found = read(busy(), choice)
    assert [shape.actions for shape in found.shapes] == expected


def test_a_list_of_values_is_as_many_actions(read):
    content = changed("annotations", attributes={"does": ["sit", "talk"], "joints": [[1, 2]]})
    with pytest.raises(InputError, match=r"attribute 'joints' is '..1, 2..', not text"):
        read(content)
    assert read(content, Choice(attributes=("does",))).actions == ("sit", "talk")


def test_a_turned_box_is_enclosed(read):
    content = changed("annotations", bbox=[40, 40, 40, 20], attributes={"rotation": 90.0})
    (shape,) = read(content).shapes
    assert shape.box == pytest.approx((0.25, 0.3, 0.35, 0.7))
    content["annotations"][0]["segmentation"] = [[1, 1, 2, 2, 3, 3]]  # its box is upright already
    assert read(content).shapes[0].box == pytest.approx((0.2, 0.4, 0.4, 0.6))


def test_frames_may_count_from_one(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(changed("images", file_name="kitchen/0007.jpg")))
    assert [s.tick for s in read_coco(tmp_path / "x.json", Choice(every=3), first=1).shapes] == [7]


def roboflow(**image):
    """An image as Roboflow exports it."""
    content = copy.deepcopy(CVAT)
    content["images"][0] = {"id": 1, "width": 200, "height": 100, **image}
    return content


@pytest.mark.holds("13.8 columns: Roboflow's names")
@pytest.mark.parametrize(
    ("file", "extra", "expected"),
    [
        ("match_mp4-0001_jpg.rf.0a1b2c3d4e5f60718293a4b5c6d7eb07", "match_mp4-0001.jpg", 1),
        ("match_mp4-0001_jpg.rf.0a1b2c3d4e5f60718293a4b5c6d7eb07", None, 1),
        ("match_mov-0012_png.rf.0123456789012345678901234567890", None, 12),
        ("match-000123_jpg.rf.abc123", None, 123),
        ("match_frame12_jpg.rf.7", "match-0012.png", 12),
        ("match_0007.rf.3", None, 7),
    ],
)
def test_the_hash_of_roboflow_has_no_frame(read, file, extra, expected):
    image = {"file_name": f"{file}.jpg"} | ({"extra": {"name": extra}} if extra else {})
    (shape,) = read(roboflow(**image)).shapes
    assert (shape.video, shape.tick) == ("match", expected)


@pytest.mark.holds("13.8 columns: Roboflow's names")
@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({"file_name": "name_jpg.rf.abc123.jpg"}, "'name_jpg.rf.abc123.jpg' names no frame"),
        (
            {"file_name": "name_jpg.rf.abc123.jpg", "extra": {"name": "name.jpg"}},
            "'name_jpg.rf.abc123.jpg' names no frame",
        ),
        (
            {"file_name": "a-1_jpg.rf.abc123.jpg", "extra": {"name": 3}},
            "image 1: extra: name is '3', not of str",
        ),
    ],
)
def test_a_name_of_roboflow_without_a_frame_is_refused(read, image, message):
    with pytest.raises(InputError, match=message):
        read(roboflow(**image))


@pytest.mark.holds("13.9 bounds: COCO's numbers")
@pytest.mark.parametrize("name", ["1" * 60_000, "1" * 60_000 + "x", "v_" + "0" * 16, "v_٣"])
def test_a_name_of_very_many_digits_has_no_frame(read, name):
    with pytest.raises(InputError, match=r"image 1: .* names no frame") as error:
        read(roboflow(file_name=f"{name}.jpg"))
    assert len(str(error.value)) < 400


@pytest.mark.holds("13.8 columns: flags of COCO")
@pytest.mark.parametrize(
    ("value", "boxes"),
    [(0, 1), (1, 0), (False, 1), (True, 0), ("0", 1), ("1", 0), ("false", 1), (None, 1), (1.0, 0)],
)
def test_a_crowd_may_be_marked_by_a_word(read, value, boxes):
    assert len(read(changed("annotations", iscrowd=value)).shapes) == boxes


@pytest.mark.holds("13.9 bounds: COCO's numbers")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed("annotations", iscrowd="maybe"), "annotation 1: iscrowd is 'maybe', neither 0"),
        (changed("annotations", iscrowd=[0]), r"annotation 1: iscrowd is '\[0\]', neither 0"),
        (
            changed("annotations", attributes={"rotation": float("inf")}),
            "annotation 1: rotation is inf, not a number of degrees",
        ),
        (
            changed("annotations", attributes={"rotation": 10**400}),
            r"annotation 1: rotation is 1000.*, not a number of degrees",
        ),
        (changed("annotations", bbox=[1, 2, 1e308, 3]), "bbox is .1, 2, 1e.308, 3., not 4"),
        (changed("annotations", image_id=10**400), "annotation 1: image_id is 1000.*, not a whole"),
        ({**CVAT, "videos": 5}, "videos is '5', not of list"),
        ({**CVAT, "categories": [5]}, "category 1: has no id"),
        (
            {**CVAT, "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]},
            "category 2: has the id 1, as 'a' has",
        ),
        (
            {**CVAT, "images": [CVAT["images"][0], {**CVAT["images"][0], "file_name": "k/5.jpg"}]},
            "image 2: has the id 1, as image 1 has",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_refused(read, content, message):
    with pytest.raises(InputError, match=message) as error:
        read(content)
    assert "\n" not in str(error.value)


def test_an_attribute_of_hundreds_of_digits_is_a_number(read):
    found = read(changed("annotations", attributes={"pose": "sit", "serial": 10**400}))
    assert found.shapes[0].actions == ("sit",)


@pytest.mark.holds("13.7 pixels: frames of another shape than the video's")
def test_the_sizes_of_the_frames_are_told(read, tmp_path):
    where = str(tmp_path / "instances.json")
    assert read(CVAT).sizes == {("kitchen", (200, 100)): f"{where}: image 1"}


NAMES = ("sit", "stand up", 'say "<&>"')
corner = st.integers(0, 40)
boxes = st.tuples(corner, corner, st.integers(1, 24), st.integers(1, 24)).map(
    lambda b: (b[0] / 64, b[1] / 64, (b[0] + b[2]) / 64, (b[1] + b[3]) / 64)
)
actions = st.lists(st.sampled_from(NAMES), unique=True).map(
    lambda chosen: tuple(name for name in NAMES if name in chosen)
)
films = st.dictionaries(  # a person has one box a frame
    st.tuples(st.integers(0, 19), st.integers(0, 2)), st.tuples(boxes, actions), min_size=1
)


@given(films)
def test_every_format_gives_back_what_it_was_given(film):
    shapes = [Shape("film", tick, box, acts, who) for (tick, who), (box, acts) in film.items()]
    clock = Clock(25.0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write_coco(path, shapes, list(NAMES), lambda _: (64, 128))
        coco = read_coco(path)
        write_via(path, shapes, list(NAMES), lambda _: (64, 128), clock)
        via = read_via(path, lambda _: (64, 128), clock, "person")
        write_cvat(path, shapes, list(NAMES), 20, 64, 128)
        cvat = read_cvat(path)

    def order(shape: Shape) -> tuple:
        return shape.tick, shape.person

    expected = sorted(shapes, key=order)
    for found in (coco, via, cvat):
        assert sorted(found.shapes, key=order) == expected


@given(films)
def test_avas_table_gives_back_what_it_was_given(film):
    unlike = {(tick, box) for (tick, _), (box, _) in film.items()}
    if len(unlike) < len(film):
        return  # rows of one box are one person, which AVA's csv cannot tell apart
    shapes = [Shape("film", tick, box, acts, who) for (tick, who), (box, acts) in film.items()]
    classes = class_map_of(NAMES, "mine.xml")
    found = from_table(to_table(shapes, classes, "x"), classes)
    assert sorted(found, key=str) == sorted(shapes, key=str)


def test_an_action_outside_the_class_map_is_named():
    shape = Shape("film", 0, (0, 0, 1, 1), ("fly",))
    with pytest.raises(InputError, match=r"mine\.xml: action 'fly' is not in the class map"):
        to_table([shape], class_map_of(["sit"], "mine.xml"), "mine.xml")
