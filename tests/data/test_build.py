"""From names to batches: proposals in place of people, shares of processes, unknown names."""

import dataclasses

import numpy as np
import pytest
import torch
from made_sets import of_keyframes, of_videos, registered

from ava_det.batch import ClipBatch
from ava_det.data.build import build_train_loader
from ava_det.data.mapper import ClipTrainMapper
from ava_det.data.proposals import people_to_test, people_to_train_on, with_unlisted
from ava_det.data.sets import actors
from ava_det.data.sets.catalog import get_dataset
from ava_det.data.sets.dataset import join_datasets
from ava_det.data.sets.keyframes import keyframes_of, pack
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.formats.ava_csv import table_of
from ava_det.formats.class_map import ClassMap
from ava_det.structures import (
    AVA_CLOCK,
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


def at(tick: int, *scores: float) -> AnnotatedKeyframe:
    return AnnotatedKeyframe("a.mp4", keyframe(tick, *scores))


def one(*records: AnnotatedKeyframe):
    """A data set of one class."""
    return of_keyframes("one", records, ClassMap({1: "a"}))


def test_proposals_stand_in_for_people_where_they_are_sure_enough():
    asked = keyframes_of([at(tick, 1.0) for tick in (1, 2, 3)])
    proposals = table_of([keyframe(1, 0.9, 0.3), keyframe(2, 0.2), keyframe(9, 0.9)])
    found = asked.with_people(proposals[proposals.score >= 0.5])
    assert [item.people.keyframe.tick for item in found] == [1, 2, 3]
    assert [item.people.scores.tolist() for item in found] == [[0.9], [], []]
    assert all(item.path == "a.mp4" for item in found)


def test_keyframes_that_only_a_detector_has_people_on_come_last():
    asked = one(at(1, 1.0), at(2, 1.0))
    proposals = table_of([keyframe(9, 0.9), keyframe(2, 0.2), keyframe(9, 0.8)])
    found = with_unlisted(asked.keyframes(), proposals, asked)
    assert [item.people.keyframe.tick for item in found] == [1, 2, 9]
    assert [len(item.people.boxes) for item in found] == [1, 1, 0]
    assert found[2].path == "a.mp4"


def test_boxes_of_other_videos_are_refused(tmp_path):
    """Not taken for a detector that has found nobody."""
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("run/a,1,0,0,1,1,,0.9\n")
    said = r"boxes\.csv: has boxes for other videos, such as 'run/a'; .* such as 'a'"
    dataset = one(at(1, 1.0))
    with pytest.raises(InputError, match=said):
        people_to_test(dataset, proposals=str(boxes))
    with pytest.raises(InputError, match=said):
        people_to_train_on(dataset, predicted=str(boxes))
    boxes.write_text("a,1,0,0,1,1,,0.9\n")
    (nobody,) = people_to_test(dataset, proposals=str(boxes), threshold=0.95)
    assert len(nobody.people.boxes) == 0


@pytest.mark.parametrize("packed", [False, True])
def test_boxes_at_other_ticks_are_refused(tmp_path, packed):
    """Seconds where milliseconds are asked for, say: every keyframe would have nobody."""
    records = [at(tick, 1.0) for tick in (2000, 3000)]
    records = pack(table_of([r.people for r in records]), {"a": "a.mp4"}) if packed else records
    dataset = one(*records)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("b,2000,0,0,1,1,,0.9\na,902,0,0,1,1,,0.9\na,903,0,0,1,1,,0.9\n")
    said = r"boxes\.csv: has boxes for other ticks: for 'a' it has tick 902, .* has tick 2000"
    for unlisted in (False, True):
        with pytest.raises(InputError, match=said):
            people_to_test(dataset, proposals=str(boxes), unlisted=unlisted)
    with pytest.raises(InputError, match=said):
        people_to_train_on(dataset, predicted=str(boxes))
    with open(boxes, "a") as file:
        file.write("a,3000,0,0,1,1,,0.9\n")
    found = people_to_test(dataset, proposals=str(boxes))
    assert [len(record.people.boxes) for record in found] == [0, 1]


@pytest.mark.parametrize(
    ("action", "said"),
    [("", "no box has an action"), (7, "row 1: action 7 is not in the class map")],
)
def test_a_list_must_have_the_labels_that_it_is_to_bring(tmp_path, action, said):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(f"a,1,0,0,1,1,{action},0.9\n")
    with pytest.raises(InputError, match=said):
        people_to_train_on(one(at(1, 1.0)), predicted=str(boxes), least_iou=None)


def test_a_test_set_of_other_classes_is_refused():
    dataset = one(at(1, 1.0))
    assert len(people_to_test(dataset, class_map=ClassMap({1: "a"}))) == 1
    with pytest.raises(InputError, match="one: the classes differ from those of the training set"):
        people_to_test(dataset, class_map=ClassMap({1: "b"}))


def test_an_empty_set_is_refused():
    with pytest.raises(InputError, match="one: is empty"):
        one().keyframes()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"unknown data set 'ava'.*; known: .*jhmdb_split1_test"):
        get_dataset("ava")


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
    with pytest.raises(InputError, match=rf"data set '{word}' \(did you mean {right}\?\); known"):
        get_dataset(word)


def test_known_sets_have_their_classes_without_their_files():
    for name, classes in (
        ("actors_train", 14),
        ("actors_clips_train", 11),
        ("jhmdb_split2_test", 21),
    ):
        assert len(get_dataset(name).class_map()) == classes


def test_a_set_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="prepare"):
        actors.load_keyframes(tmp_path / "nowhere", "train")


NUMBERED = [LabelledVideo(f"v{n}", "", n) for n in range(7)]


def test_an_action_outside_the_class_map_is_named():
    people = dataclasses.replace(keyframe(3, 1.0), actions=((1, 9),))
    odd = of_keyframes("odd", [AnnotatedKeyframe("a.mp4", people)], ClassMap({1: "walk"}))
    with pytest.raises(InputError, match="odd: a, tick 3: action 9 is not in the class map"):
        odd.keyframes()


def test_one_record_in_so_many():
    numbered = of_videos("numbered", NUMBERED, ClassMap({1: "walk"}))
    assert [record.label for record in numbered.videos(every=3)] == [0, 3, 6]


def test_videos_are_no_keyframes_and_keyframes_no_videos():
    with pytest.raises(InputError, match="numbered: has no keyframes with boxes"):
        of_videos("numbered", NUMBERED, ClassMap({1: "walk"})).keyframes()
    with pytest.raises(InputError, match="one: has keyframes, not videos of one label each"):
        one(at(1, 1.0)).videos()


def test_several_sets_are_joined_to_one():
    boxes = table_of([keyframe(tick, 0.9) for tick in (5, 6, 7)])
    first, second = (
        of_keyframes(name, [at(tick, 1.0)], ClassMap({1: "a"}), countable=countable)
        for name, tick, countable in [("x", 1, lambda t: t["tick"] != 6), ("y", 2, None)]
    )
    with registered(first, second):
        both = get_dataset(["x", "y"])
    assert (both.name, both.class_map().names, both.clock) == ("x, y", {1: "a"}, FRAME_CLOCK)
    assert [record.people.keyframe.tick for record in both.keyframes()] == [1, 2]
    found = with_unlisted(both.keyframes(), boxes, both)
    assert [record.people.keyframe.tick for record in found] == [1, 2, 5, 7]


def test_joined_sets_must_agree():
    x = of_keyframes("x", [at(1, 1.0)], ClassMap({1: "a"}))
    late = of_keyframes("late", [at(1, 1.0)], ClassMap({1: "a"}), clock=AVA_CLOCK)
    with pytest.raises(InputError, match="late: the ticks differ from those of x"):
        join_datasets([x, late])
    other = join_datasets([x, of_keyframes("other", [at(2, 1.0)], ClassMap({1: "b"}))])
    assert len(other.keyframes()) == 2, "a detector of people needs no classes"
    with pytest.raises(InputError, match="other: the classes differ from those of x"):
        other.class_map()


class Numbers(ClipTrainMapper):
    """A mapper that reads nothing."""

    def __init__(self):
        self.repeats = 1

    def __call__(self, record, rng):
        return ClipBatch(torch.zeros(1, 1), torch.tensor([record.label]), [record.video])


def test_a_loader_starts_where_it_is_told():
    def batches(start: int, count: int) -> list[list[str]]:
        built = build_train_loader(LabelledVideos(NUMBERED), Numbers(), 4, seed=3)
        built.skip(start)
        loader = iter(built)
        return [next(loader).videos for _ in range(count)]

    assert batches(0, 5)[3:] == batches(3, 2)
