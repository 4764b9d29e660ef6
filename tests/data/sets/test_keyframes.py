"""ava_det.data.sets.keyframes: packed keyframes are those of the plain readers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ava_det.data.sets.keyframes import join, keyframes_of, pack
from ava_det.formats.ava_csv import people_by_keyframe, read_ground_truth, table_of
from ava_det.formats.ava_rows import BOX
from ava_det.structures import AnnotatedKeyframe, PersonBoxes

PATHS = {name: f"/videos/{name}.mp4" for name in "abc"}

boxes = st.one_of(
    st.none(), st.tuples(*[st.sampled_from([0.0, 0.25])] * 2, *[st.sampled_from([0.5, 1.0])] * 2)
)
rows = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(-1, 2),
        boxes,
        st.sampled_from([-1, 1, 2, 80]),
        st.sampled_from([-1, 5]),
        st.sampled_from([0.25, 1.0]),
    ),
    min_size=1,
    max_size=25,
)


def table_from(items) -> pd.DataFrame:
    data = []
    for video, tick, box, action, person, score in items:
        nothing = (np.nan,) * 4, -1, -1, np.nan
        box, action, person, score = (box, action, person, score) if box else nothing
        data.append((video, tick, *box, action, person, score))
    table = pd.DataFrame(data, columns=["video", "tick", *BOX, "action", "person", "score"])
    return table.astype({"video": "category", **dict.fromkeys(BOX, "float64")})


def assert_same(found, expected):
    """Two lists of annotated keyframes are equal, types included."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.path == other.path
        assert one.people.keyframe == other.people.keyframe
        assert one.people.actions == other.people.actions
        for name in ("boxes", "scores", "person_ids"):
            a, b = getattr(one.people, name), getattr(other.people, name)
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)


def plain(table):
    groups = people_by_keyframe(table)
    return [AnnotatedKeyframe(PATHS[k.video], people) for k, people in groups.items()]


@settings(max_examples=40)
@given(rows)
def test_packed_keyframes_are_those_of_the_plain_reader(items):
    table = table_from(items)
    assert_same(pack(table, PATHS), plain(table))


@settings(max_examples=40)
@given(rows)
def test_their_table_is_that_of_the_plain_writer(items):
    packed = pack(table_from(items), PATHS)
    expected = table_of([record.people for record in packed])
    pd.testing.assert_frame_equal(packed.table(), expected, check_column_type=False)


@settings(max_examples=40)
@given(rows, rows, st.integers(1, 3))
def test_joined_and_sliced(first, second, step):
    parts = [pack(table_from(items), PATHS) for items in (first, second)]
    expected = [*parts[0], *parts[1]][::step]
    assert_same(join(parts)[::step], expected)
    assert_same(parts[1].select(np.arange(len(parts[1])) % 2 == 1), list(parts[1])[1::2])


@settings(max_examples=40)
@given(rows, rows)
def test_proposals_instead_of_people(truth, proposals):
    packed, found = pack(table_from(truth), PATHS), table_from(proposals)
    more = packed.with_keyframes(found)
    by_keyframe = people_by_keyframe(found)
    listed = {record.people.keyframe: record.path for record in packed}
    names = {keyframe.video for keyframe in listed}
    new = {k: PATHS[k.video] for k in by_keyframe if k.video in names and k not in listed}
    nobody = [AnnotatedKeyframe(path, PersonBoxes.nobody(k)) for k, path in new.items()]
    assert_same(more, [*packed, *nobody])
    for some in (packed, more):
        wanted = [(record.path, record.people.keyframe) for record in some]
        expected = [
            AnnotatedKeyframe(path, by_keyframe.get(k, PersonBoxes.nobody(k))) for path, k in wanted
        ]
        assert_same(some.with_people(found), expected)


def assert_same_tracks(records, expected):
    assert len(records) == len(expected)
    for record, tracks in zip(records, expected, strict=True):
        found = [(t.ticks.tolist(), t.boxes.tolist()) for t in record.tracks]
        assert found == [(list(track), list(track.values())) for track in tracks]


def tracks_by_hand(records):
    """The tracks of each record's people: dicts from ticks to boxes, box by box."""
    whole: dict[tuple[str, int], dict[int, list[float]]] = {}
    for record in records:
        people = record.people
        for box, person in zip(people.boxes.tolist(), people.person_ids.tolist(), strict=True):
            track = whole.setdefault((record.video, person), {})
            track.setdefault(people.keyframe.tick, box)
    tracks = []
    for record in records:
        people, tick = record.people, record.people.keyframe.tick
        pairs = list(zip(people.boxes.tolist(), people.person_ids.tolist(), strict=True))
        others = [whole[record.video, person] if person >= 0 else {} for _, person in pairs]
        own = [{**track, tick: box} for (box, _), track in zip(pairs, others, strict=True)]
        tracks.append([dict(sorted(track.items())) for track in own])
    return tracks


@pytest.mark.slow
@settings(max_examples=200)
@given(rows, rows, st.integers(1, 3))
def test_a_track_is_all_boxes_of_a_person(truth, proposals, step):
    packed, found = pack(table_from(truth), PATHS), table_from(proposals)
    more, twice = packed.with_keyframes(found), join([packed, pack(found, PATHS)])
    for some in (packed, more.with_people(found), twice.with_people(found)):
        expected = tracks_by_hand(list(some))
        tracked = some.with_tracks()
        assert_same(tracked, list(some))
        assert_same_tracks(tracked, expected)
        assert_same_tracks(tracked[::step], expected[::step])
    assert packed[0].tracks is None
    assert packed.with_tracks().with_people(found)[0].tracks is None


def test_callers_cannot_change_a_track():
    keyframes = pack(table_from([("a", k, (0.0, 0.0, 0.5, 1.0), 1, 5, 1.0) for k in (1, 2)]), PATHS)
    keyframes = keyframes.with_tracks()
    (track,) = keyframes[0].tracks
    track.boxes[:], track.ticks[:] = 9, 9
    (again,) = keyframes[0].tracks
    assert again.ticks.tolist() == [1, 2]
    assert again.boxes.max() == 1


@settings(max_examples=40)
@given(rows, rows)
def test_records_are_packed_as_they_are(first, second):
    """Also those of one video in two files, and people with one box or one action twice."""
    records = [*plain(table_from(first)), *plain(table_from(second))]
    records += [replace(record, path="elsewhere.mp4") for record in records]
    for record in records[::2]:
        people = record.people
        twice = [np.concatenate([part, part]) for part in (people.boxes, people.scores)]
        ids = np.concatenate([people.person_ids] * 2)
        actions = tuple(ids * 2 for ids in people.actions) * 2
        people = PersonBoxes(people.keyframe, twice[0], actions, twice[1], ids)
        records.append(AnnotatedKeyframe(record.path, people))
    assert_same(keyframes_of(records), records)
    assert len(keyframes_of([])) == 0


def test_videos_without_a_file_are_left_out():
    table = table_from([("a", 1, None, -1, -1, 1), ("b", 1, (0, 0, 1, 1), 3, 4, 1)])
    (record,) = pack(table, {"b": "b.webm"})
    assert (record.path, record.people.keyframe.video) == ("b.webm", "b")
    assert len(pack(table, {})) == 0


def test_a_record_is_a_copy():
    packed = pack(table_from([("a", 1, (0.0, 0.0, 1.0, 1.0), 3, 4, 1.0)]), PATHS)
    packed[0].people.boxes[:] = 7
    assert packed[-1].people.boxes.tolist() == [[0, 0, 1, 1]]
    with pytest.raises(IndexError):
        packed[1]


@pytest.mark.slow
def test_all_of_avas_val_annotations(shared):
    table = read_ground_truth(shared / "reference" / "ava_annotations" / "ava_val_v2.1.csv.gz")
    paths = {name: name for name in table["video"].cat.categories}
    packed = pack(table, paths)
    groups = people_by_keyframe(table)
    assert [record.people.keyframe for record in packed] == list(groups)
    assert len(packed.boxes) == sum(len(people.boxes) for people in groups.values())
    assert packed.nbytes < 10e6
    some = list(groups)[::1000]
    for record, keyframe in zip(packed[::1000], some, strict=True):
        assert record.people.actions == groups[keyframe].actions
        assert np.array_equal(record.people.boxes, groups[keyframe].boxes)
