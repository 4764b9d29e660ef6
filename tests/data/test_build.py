"""From names to batches: proposals in place of people, shares of processes, unknown names."""

import dataclasses

import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog

from ava_det.data.build import build_train_loader, get_records
from ava_det.data.keyframes import pack
from ava_det.data.proposals import with_proposals, with_unlisted
from ava_det.data.sets import actors
from ava_det.data.sets.catalog import check_known
from ava_det.formats.ava_csv import table_of
from ava_det.formats.class_map import ClassMap
from ava_det.structures import (
    FRAME_CLOCK,
    AnnotatedKeyframe,
    InputError,
    Keyframe,
    LabelledVideo,
    PersonBoxes,
)


def keyframe(tick: int, *scores: float) -> PersonBoxes:
    n = len(scores)
    return PersonBoxes(
        keyframe=Keyframe("a", tick),
        boxes=np.array([[0.1 * i, 0.0, 0.1 * i + 0.1, 1.0] for i in range(n)]).reshape(n, 4),
        actions=((),) * n,
        scores=np.array(scores),
        person_ids=np.full(n, -1),
    )


def test_proposals_stand_in_for_people_where_they_are_sure_enough():
    asked = [AnnotatedKeyframe("a.mp4", keyframe(tick, 1.0)) for tick in (1, 2, 3)]
    proposals = table_of([keyframe(1, 0.9, 0.3), keyframe(2, 0.2), keyframe(9, 0.9)])
    found = with_proposals(asked, proposals[proposals.score >= 0.5])
    assert [item.people.keyframe.tick for item in found] == [1, 2, 3]
    assert [item.people.scores.tolist() for item in found] == [[0.9], [], []]
    assert all(item.path == "a.mp4" for item in found)


def test_keyframes_that_only_a_detector_has_people_on_come_last():
    asked = [AnnotatedKeyframe("a.mp4", keyframe(tick, 1.0)) for tick in (1, 2)]
    proposals = table_of([keyframe(9, 0.9), keyframe(2, 0.2), keyframe(9, 0.8)])
    found = with_unlisted(asked, proposals, ())
    assert [item.people.keyframe.tick for item in found] == [1, 2, 9]
    assert [len(item.people.boxes) for item in found] == [1, 1, 0]
    assert found[-1].path == "a.mp4"


@pytest.fixture
def registered():
    """Put records into the catalog for the time of a test."""
    names = []

    def register(name: str, records: list) -> str:
        names.append(name)
        DatasetCatalog.register(name, lambda: records)
        MetadataCatalog.get(name).set(class_map=ClassMap({1: "a"}), clock=FRAME_CLOCK)
        return name

    yield register
    for name in names:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)


def test_boxes_of_other_videos_are_refused(registered, tmp_path):
    """Not taken for a detector that has found nobody."""
    name = registered("one", [AnnotatedKeyframe("a.mp4", keyframe(1, 1.0))])
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("run/a,1,0,0,1,1,,0.9\n")
    said = r"boxes\.csv: its videos, such as 'run/a', are none of .* such as 'a'"
    with pytest.raises(InputError, match=said):
        get_records(name, proposals=str(boxes))
    with pytest.raises(InputError, match=said):
        build_train_loader(name, len, batch_size=1, seed=0, predicted=str(boxes))
    boxes.write_text("a,1,0,0,1,1,,0.9\n")
    (nobody,) = get_records(name, proposals=str(boxes), threshold=0.95)
    assert len(nobody.people.boxes) == 0


@pytest.mark.parametrize("packed", [False, True])
def test_boxes_at_other_ticks_are_refused(registered, tmp_path, packed):
    """Seconds where milliseconds are asked for, say: every keyframe would have nobody."""
    records = [AnnotatedKeyframe("a.mp4", keyframe(tick, 1.0)) for tick in (2000, 3000)]
    records = pack(table_of([r.people for r in records]), {"a": "a.mp4"}) if packed else records
    name = registered("one", records)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("b,2000,0,0,1,1,,0.9\na,902,0,0,1,1,,0.9\na,903,0,0,1,1,,0.9\n")
    said = r"boxes\.csv: none of its ticks is .*: of 'a' it has 902, say, and they 2000"
    for unlisted in (False, True):
        with pytest.raises(InputError, match=said):
            get_records(name, proposals=str(boxes), unlisted=unlisted)
    with pytest.raises(InputError, match=said):
        build_train_loader(name, len, batch_size=1, seed=0, predicted=str(boxes))
    with open(boxes, "a") as file:
        file.write("a,3000,0,0,1,1,,0.9\n")
    found = get_records(name, proposals=str(boxes))
    assert [len(record.people.boxes) for record in found] == [0, 1]


@pytest.mark.parametrize(
    ("action", "said"),
    [("", "no box has an action"), (7, "row 1: action 7 is not in the class map")],
)
def test_a_list_must_have_the_labels_that_it_is_to_bring(registered, tmp_path, action, said):
    name = registered("one", [AnnotatedKeyframe("a.mp4", keyframe(1, 1.0))])
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(f"a,1,0,0,1,1,{action},0.9\n")
    with pytest.raises(InputError, match=said):
        build_train_loader(name, len, 1, seed=0, predicted=str(boxes), least_iou=None)


def test_an_empty_set_is_refused(registered):
    with pytest.raises(InputError, match="nobody: nothing in it"):
        get_records(registered("nobody", []))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"unknown data set 'ava'.*; known: .*jhmdb_split1_test"):
        check_known("ava")


@pytest.mark.holds("13.12 a misspelt data set is refused with the nearest right one")
@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("jhmdb_split1_tset", "jhmdb_split1_test"),
        ("Actors_train", "actors_train"),
        ("ava_v22_val", "ava_v2.2_val"),
        ("ucf24-train", "ucf24_train"),
    ],
)
def test_a_misspelt_name_gives_the_nearest(word, right):
    with pytest.raises(InputError, match=rf"data set '{word}' \(meant {right}\?\); known"):
        check_known(word)


def test_known_sets_have_their_classes_without_their_files():
    for name, classes in (
        ("actors_train", 14),
        ("actors_clips_train", 11),
        ("jhmdb_split2_test", 21),
    ):
        assert len(MetadataCatalog.get(check_known(name)).class_map) == classes


def test_a_set_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="prepare"):
        actors.load_keyframes(tmp_path / "nowhere", "train")


@pytest.fixture
def numbered():
    """A registered set of seven labelled videos."""
    videos = [LabelledVideo(f"v{n}", "", n) for n in range(7)]
    DatasetCatalog.register("numbered", lambda: videos)
    MetadataCatalog.get("numbered").set(class_map=ClassMap({1: "walk"}), clock=FRAME_CLOCK)
    yield "numbered"
    DatasetCatalog.remove("numbered")
    MetadataCatalog.remove("numbered")


def test_an_action_outside_the_class_map_is_named():
    people = dataclasses.replace(keyframe(3, 1.0), actions=((1, 9),))
    DatasetCatalog.register("odd", lambda: [AnnotatedKeyframe("a.mp4", people)])
    MetadataCatalog.get("odd").set(class_map=ClassMap({1: "walk"}), clock=FRAME_CLOCK)
    try:
        with pytest.raises(InputError, match="odd: a, tick 3: action 9 is not in the class map"):
            get_records("odd")
    finally:
        DatasetCatalog.remove("odd")
        MetadataCatalog.remove("odd")


def test_one_record_in_so_many(numbered):
    assert [record.label for record in get_records(numbered, every=3)] == [0, 3, 6]


def test_a_loader_starts_where_it_is_told(numbered):
    def mapper(record, rng):
        return {"clips": torch.zeros(1, 1), "label": record.label, "video": record.video}

    def batches(start: int, count: int) -> list[list[str]]:
        built = build_train_loader(numbered, mapper, 4, seed=3)
        built.skip(start)
        loader = iter(built)
        return [next(loader)["videos"] for _ in range(count)]

    assert batches(0, 5)[3:] == batches(3, 2)
