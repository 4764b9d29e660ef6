import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.formats.class_map import ClassMap, read_class_map, write_class_map
from ava_det.structures import InputError


def test_avas_full_list(shared):
    full = read_class_map(shared / "reference/ava_annotations/ava_action_list_v2.2.pbtxt")
    assert full.ids == tuple(range(1, 81))
    assert (full.names[1], full.names[80]) == ("bend/bow (at the waist)", "watch (a person)")
    groups = [full.groups[i] for i in full.ids]
    assert groups == ["pose"] * 14 + ["object"] * 49 + ["person"] * 17


def test_avas_list_of_evaluated_classes(shared):
    folder = shared / "reference/ava_annotations"
    some = read_class_map(folder / "ava_action_list_v2.2_for_activitynet_2019.pbtxt")
    full = read_class_map(folder / "ava_action_list_v2.2.pbtxt")
    assert len(some) == 60
    assert not some.groups
    assert some.names.items() <= full.names.items()
    assert some.index(3) == 1  # 2 is not evaluated


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'id,name,group\n3,"sit, alone",pose\n1,wave\n'),
        ("b.csv", '3,"sit, alone",pose\r\n\r\n1,wave,\r\n'),
        (
            "c.pbtxt",
            "item {\n  name: 'sit, alone' # why not\n id: 3 label_type: pose }\n"
            'label { name: "wave" label_id: 1 }',
        ),
        (
            "d.txt",
            'label{name:"sit, alone"label_id:3 label_type:PERSON_MOVEMENT}\n'
            'item {\n id: 1\n name: "wave"\n other: 0.5\n}\n',
        ),
    ],
)
def test_layouts(tmp_path, name, text):
    (tmp_path / name).write_text(text, newline="")
    class_map = read_class_map(tmp_path / name)
    assert class_map == ClassMap({3: "sit, alone", 1: "wave"}, {3: "pose"})
    assert class_map.ids == (3, 1)
    assert (class_map.index(3), class_map.index(1), len(class_map)) == (0, 1, 2)


def test_a_packed_csv_is_a_csv(tmp_path):
    """By the name before `.gz`, whichever case it is in."""
    expected = ClassMap({1: "stand", 2: "sit, alone"}, {1: "pose"})
    (tmp_path / "a.CSV.gz").write_bytes(gzip.compress(b'id,name\n1,stand,pose\n2,"sit, alone"\n'))
    assert read_class_map(tmp_path / "a.CSV.gz") == expected
    write_class_map(tmp_path / "b.csv.gz", expected)
    assert gzip.decompress((tmp_path / "b.csv.gz").read_bytes()).startswith(b'"id","name"')
    (tmp_path / "c.csv.gz").write_bytes(b"1,stand\n")
    with pytest.raises(InputError, match=r"c\.csv\.gz: not a whole gzip file"):
        read_class_map(tmp_path / "c.csv.gz")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "1,stand\n1,walk\n", "row 2: class 1 'walk' is listed twice"),
        ("a.csv", "1,stand\n2,stand\n", "row 2: class 2 'stand' is listed twice"),
        ("a.csv", "0,stand\n", "row 1: a class id is a whole number from 1, not '0'"),
        ("a.csv", "id,name\nx,stand\n", "row 2: a class id is a whole number from 1, not 'x'"),
        ("a.csv", "1\n", "row 1: 1 columns where id,name[,group] belong"),
        ("a.csv", "1,\n", "row 1: class 1 has no name"),
        ("a.csv", "", "lists no class"),
        ("a.pbtxt", "", "lists no class"),
        ("a.pbtxt", 'label { name: "a" }', "row 1: a class id is a whole number from 1, not ''"),
        ("a.pbtxt", "label {\n  id: 1\n", "row 1: the block is not closed"),
        ("a.pbtxt", "label {\n  id 1\n}", "row 2: 'key: value' belongs here"),
        ("a.pbtxt", "1,stand\n", "row 1: 'label {' or 'item {' belongs here"),
        ("a.pbtxt", "item\n", "row 1: an opening brace is missing"),
        ("a.pbtxt", 'item {\n name: "sta\n}', "row 2: cannot read '\"sta'"),
        ("a.pbtxt", "\x00", "row 1: a zero byte: not a text file"),
    ],
)
def test_malformed(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_class_map(path)
    assert str(error.value) == f"{path}: {message}"


def test_not_text(tmp_path):
    path = tmp_path / "list.pbtxt"
    path.write_bytes(b"\xff\xd8\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_class_map(path)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
names = st.lists(words.filter(lambda word: word == word.strip()), min_size=1, unique=True)


@given(names, st.data(), st.sampled_from([".csv", ".csv.gz", ".pbtxt", ".pbtxt.gz"]))
def test_round_trip(tmp_path_factory, names, data, suffix):
    ids = data.draw(st.permutations(range(1, len(names) + 1)))
    grouped = data.draw(st.sets(st.sampled_from(ids)))
    groups = {
        i: data.draw(st.sampled_from(["pose", "object", "person", 'of "mine"'])) for i in grouped
    }
    class_map = ClassMap(dict(zip(ids, names, strict=True)), groups)
    path = tmp_path_factory.mktemp("maps") / f"list{suffix}"
    write_class_map(path, class_map)
    again = read_class_map(path)
    assert again == class_map
    assert again.ids == class_map.ids


@given(st.lists(st.integers(1, 30), unique=True), st.lists(st.integers(-3, 33)))
def test_indexes(ids, actions):
    class_map = ClassMap({i: f"class {i}" for i in ids})
    expected = [ids.index(i) if i in ids else -1 for i in actions]
    assert class_map.indexes(np.array(actions, np.int64)).tolist() == expected


@pytest.mark.parametrize(
    ("names", "groups"), [({0: "a"}, {}), ({1: "a", 2: "a"}, {}), ({1: "a"}, {2: "pose"})]
)
def test_a_class_map_refuses_nonsense(names, groups):
    with pytest.raises(ValueError, match=r"class|group"):
        ClassMap(names, groups)


@pytest.mark.holds("13.9 cm_huge.pbtxt: one line in seconds")
def test_an_id_of_too_many_digits(shared, tmp_path):
    for path in (shared / "cases/annotations/cm_huge.pbtxt", tmp_path / "a.csv"):
        (tmp_path / "a.csv").write_text(f"{'9' * 60_000},stand\n")
        with pytest.raises(InputError, match=r"row 1: a class id has 9 digits at most: 9{23,40}$"):
            read_class_map(path)


@pytest.mark.holds("13.9 a name of very many letters is refused")
def test_a_name_that_is_a_book(tmp_path):
    (tmp_path / "a.csv").write_text(f"1,{'a' * 100_000}\n")
    with pytest.raises(InputError, match="row 1: a name of more than 500 characters"):
        read_class_map(tmp_path / "a.csv")
