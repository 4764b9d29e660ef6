import gzip
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ava_det.formats.ava_csv import (
    BOX,
    TRACKS_HEADER,
    has_box,
    people_by_keyframe,
    read_boxes,
    read_detections,
    read_ground_truth,
    read_keyframes,
    read_timestamps,
    require_common,
    require_known,
    table_of,
    write_detections,
    write_ground_truth,
    writing_rows,
)
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError, Keyframe, PersonBoxes

GOOD = "v,0902,0.1,0.2,0.3,0.4,12,0"


def written(folder, text, name="rows.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_columns_and_types(tmp_path):
    table = read_ground_truth(written(tmp_path, f"{GOOD}\nw-1,903\nv,904.0,0,0,1,1,,\n"))
    assert table.columns.tolist() == ["video", "tick", *BOX, "action", "person"]
    assert table.index.tolist() == [1, 2, 3]
    assert table["video"].tolist() == ["v", "w-1", "v"]
    assert table["tick"].tolist() == [902, 903, 904]
    assert table["action"].tolist() == [12, -1, -1]
    assert table["person"].tolist() == [0, -1, -1]
    assert has_box(table).tolist() == [True, False, True]
    assert table.loc[1, BOX].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert [str(table[name].dtype) for name in ("tick", "action", "person")] == ["int64"] * 3
    assert str(table["video"].dtype) == "category"


def test_avas_validation_file(shared):
    table = read_ground_truth(shared / "reference/ava_annotations/ava_val_v2.1.csv.gz")
    assert len(table) == 93400
    assert table["video"].nunique() == 64
    assert len(table.drop_duplicates(["video", "tick"])) == 50029
    assert (table["person"] == -1).all()
    assert table.loc[93400, "tick"].dtype == np.int64


def test_a_header_and_a_trailing_status_column(shared):
    table = read_ground_truth(shared / "reference/ava_annotations/ava_test_v1.0.csv.gz")
    assert len(table) == 41425
    assert table.index[0] == 2  # the header is row 1
    assert table.iloc[0].tolist()[:3] == ["053oq2xB3oU", 904, 0.061]
    assert (table["person"] == -1).all()  # the eighth column is a status, not a person
    people = people_by_keyframe(table)
    assert sum(len(person) for k in people.values() for person in k.actions) == len(
        table.drop_duplicates(["video", "tick", *BOX, "action"])
    )


def test_header_names_the_person_column(tmp_path):
    header = "video_id,timestamp,x1,y1,x2,y2,action_id,note,person_id"
    table = read_ground_truth(written(tmp_path, f"{header}\nv,1,0,0,1,1,5,seen,7\n"))
    assert table["person"].tolist() == [7]
    header = "video,tick,x1,y1,x2,y2,action,score,track_id"
    table = read_detections(written(tmp_path, f"{header}\nv,1,0,0,1,1,5,0.5,7\n"))
    assert (table["person"].tolist(), table["score"].tolist()) == ([7], [0.5])


def test_header_names_the_score(tmp_path):
    header = "video,tick,x1,y1,x2,y2,action,person_id,score"
    table = read_detections(written(tmp_path, f"{header}\nv,1,0,0,1,1,5,7,0.5\n"))
    assert (table["person"].tolist(), table["score"].tolist()) == ([7], [0.5])


def test_header_alone_is_a_table_without_rows(tmp_path):
    table = read_detections(written(tmp_path, "video,tick,x1,y1,x2,y2,action,score\n"))
    assert len(table) == 0
    assert table.columns.tolist() == ["video", "tick", *BOX, "action", "person", "score"]


def test_odd_but_sound_files(tmp_path):
    text = f'\ufeff{GOOD}\r\n\r\n"a, b",902\r\nNA,902,,,,,,\r\n007{GOOD[1:]}\r\n\r\n'
    table = read_ground_truth(written(tmp_path, text))
    assert table["video"].tolist() == ["v", "a, b", "NA", "007"]
    assert table.index.tolist() == [1, 3, 4, 5]
    assert has_box(table).tolist() == [True, False, False, True]


def test_degenerate_boxes_and_a_little_over_the_edge_are_no_error(tmp_path):
    table = read_ground_truth(written(tmp_path, "v,1,0.5,0.5,0.2,0.5,1\nv,1,-0.02,0,1.03,1,1\n"))
    assert table["x2"].tolist() == [0.2, 1.03]


def test_person_boxes(tmp_path):
    text = "v,1,0,0,1,1,,0.5\nv,1,0,0,1,1,-1,\nv,2,0,0,1,1,-1\nv,2,0,0,1,1\nv,3\n"
    table = read_boxes(written(tmp_path, text))
    assert table["action"].tolist() == [-1] * 5
    np.testing.assert_array_equal(table["score"], [0.5, 1, 1, 1, math.nan])


OUTSIDE = "is outside the frame: boxes are relative, in [0, 1], not in pixels"
HINT = "ava-det evaluate --times takes seconds"
BAD_ROWS = {
    "v": "1 column where 7 belong",
    "v,1,0,0,1": "5 columns where 7 to 8 belong",
    "v,1,0,0,1,1": "6 columns where 7 to 8 belong",
    "v,1,0,0,1,1,2,3,4": "9 columns where 7 to 8 belong",
    ",1,0,0,1,1,2": "the name of the video is missing",
    "v,,0,0,1,1,2": "tick is missing",
    "v,soon": "tick is not a number: 'soon'",
    "v,902.5": f"tick is not a whole number: 902.5 ({HINT})",
    "v,902.5,0,0,1,1,2": f"tick is not a whole number: 902.5 ({HINT})",
    "v,1e300": "tick is not a whole number: 1e300",
    "v,1,0,zero,1,1,2": "y1 is not a number: 'zero'",
    "v,1,0,nan,1,1,2": "y1 is not finite: nan",
    "v,1,0,0,inf,1,2": "x2 is not finite: inf",
    "v,1,0,0,,1,2": "x2 is missing",
    "v,1,,,,,2": "x1 is missing",
    "v,1,0,0,1,1,walk": "action is not a number: 'walk'",
    "v,1,0,0,1,1,1.5": "action is not a whole number: 1.5",
    "v,1,0,0,1,1,2,Ann": "person is not a number: 'Ann'",
    "v,1,12,30,110,200,2": f"x1 = 12 {OUTSIDE}",
    "v,1,0,-0.5,1,1,2": f"y1 = -0.5 {OUTSIDE}",
}


@pytest.mark.parametrize(("row", "problem"), BAD_ROWS.items())
def test_the_first_bad_row_is_named(tmp_path, row, problem):
    path = written(tmp_path, f"{GOOD}\n\n{row}\nv,nonsense,too\n")
    with pytest.raises(InputError) as error:
        read_ground_truth(path)
    assert str(error.value) == f"{path}: row 3: {problem}"


def test_of_a_quote_that_is_not_closed_the_beginning_is_shown(tmp_path):
    path = written(tmp_path, 'v,"1,0,0,1,1,2\n' + "v,2,0,0,1,1,2\n" * 99)
    with pytest.raises(InputError, match=r"row 1: .*'1,0,0,1,1,2.*\.\.\.'$") as raised:
        read_ground_truth(path)
    assert len(str(raised.value)) < 200 + len(str(path))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("v,1,0,0,1,1,2", "7 columns where 8 belong"),
        ("v,1,0,0,1,1,2,", "score is missing"),
        ("v,1,0,0,1,1,,0.5", "action is missing"),
        ("v,1,0,0,1,1,2,nan", "score is not finite: nan"),
        ("v,1,0,0,1,1,2,-inf", "score is not finite: -inf"),
        ("v,1,0,0,1,1,2,high", "score is not a number: 'high'"),
    ],
)
def test_bad_rows_of_results(tmp_path, row, problem):
    path = written(tmp_path, f"{row}\n{GOOD}\n")
    with pytest.raises(InputError) as error:
        read_detections(path)
    assert str(error.value) == f"{path}: row 1: {problem}"


@pytest.mark.parametrize("read", [read_ground_truth, read_boxes])
@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_an_empty_file_is_a_mistake(tmp_path, read, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    with pytest.raises(InputError, match=rf"{name}: the file is empty"):
        read(path)


@pytest.mark.parametrize("content", ["", "video,tick,x1,y1,x2,y2,action,score\n"])
def test_results_without_a_row(tmp_path, content):
    table = read_detections(written(tmp_path, content))
    full = read_detections(written(tmp_path, "v,1,0,0,1,1,5,0.5\n", "full.csv"))
    assert len(table) == 0
    assert table.dtypes.drop("video").equals(full.dtypes.drop("video"))
    assert table["video"].cat.categories.dtype == full["video"].cat.categories.dtype


@pytest.mark.parametrize("read", [read_ground_truth, read_detections, read_boxes])
def test_files_that_are_no_tables(tmp_path, read):
    binary = tmp_path / "movie.csv"
    binary.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(InputError, match=r"movie.csv: not a text file"):
        read(binary)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(f"{GOOD}\n".encode() * 1000)[:-12])
    with pytest.raises(InputError, match=r"cut.csv.gz: not a whole gzip file"):
        read(cut)
    plain = written(tmp_path, GOOD, "plain.csv.gz")
    with pytest.raises(InputError, match=r"plain.csv.gz: not a whole gzip file"):
        read(plain)
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nowhere.csv")


cells = st.sampled_from(
    ["", "v", "1", "902.0", "0.25", "-1", "1.05", "2", "nan", "1e9", "x", "0.5"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.lists(cells, max_size=9).map(lambda row: ["v", *row]), max_size=5),
    read=st.sampled_from([read_ground_truth, read_detections, read_boxes]),
)
def test_whatever_the_rows_one_clear_answer(tmp_path, rows, read):
    # The fast reading and the one that explains must agree on what is malformed.
    path = written(tmp_path, "\n".join([GOOD, *(",".join(row) for row in rows)]))
    try:
        table = read(path)
    except InputError as problem:
        message = str(problem)
    else:
        message = ""
        assert len(table) == 1 + len(rows)
        assert np.isfinite(table.loc[has_box(table), BOX].to_numpy()).all()
        assert not table[["tick", "action", "person"]].isna().any(axis=None)
    assert not message or message.startswith(f"{path}: row ")


def test_keyframes_and_timestamps(shared, tmp_path):
    folder = shared / "reference/ava_annotations"
    excluded = read_keyframes(folder / "ava_val_excluded_timestamps_v2.2.csv")
    assert len(excluded) == 37
    assert excluded[0] == Keyframe("5BDj0ow5hnA", 1038)
    assert read_timestamps(folder / "ava_included_timestamps_v2.2.txt") == list(range(902, 1799))
    assert read_keyframes(written(tmp_path, f"video,second\n{GOOD}\n\n")) == [Keyframe("v", 902)]
    assert read_keyframes(written(tmp_path, "")) == []
    with pytest.raises(InputError, match=r"rows.csv: row 2: tick is not a whole number: 1.5"):
        read_keyframes(written(tmp_path, "v,1\nv,1.5\n"))
    with pytest.raises(InputError, match=r"rows.csv: row 2: 1 column where 2 belong"):
        read_keyframes(written(tmp_path, "v,1\nv\n"))
    with pytest.raises(InputError, match=r"rows.csv: row 1: tick is not a number: 'x'"):
        read_timestamps(written(tmp_path, "x\n"))


def test_an_action_outside_the_class_map(tmp_path):
    path = written(tmp_path, f"{GOOD}\nv,1\nv,1,0,0,1,1,-1\nv,1,0,0,1,1,13\n")
    table = read_ground_truth(path)
    require_known(table, ClassMap({12: "stand", 13: "sit"}), path)
    with pytest.raises(InputError) as error:
        require_known(table, ClassMap({12: "stand"}), path)
    assert str(error.value) == f"{path}: row 4: action 13 is not in the class map"
    require_common(table, ClassMap({12: "stand"}), path)
    with pytest.raises(InputError, match="row 1: action 12 is not in the class map"):
        require_common(table, ClassMap({1: "stand"}), path)
    require_common(table[table["action"] == -1], ClassMap({1: "stand"}), path)


def test_people_of_a_keyframe(tmp_path):
    rows = ["b,2,0,0,1,1,5,3", "a,1", "b,2,0,0,0.5,1,5,4", "b,2,0,0,1,1,6,3", "b,2,0,0,1,1,5,3"]
    path = written(tmp_path, "\n".join([*rows, "b,2,0,0,0.1,1,,"]))
    people = people_by_keyframe(read_ground_truth(path))
    assert list(people) == [Keyframe("b", 2), Keyframe("a", 1)]
    two = people[Keyframe("b", 2)]
    assert two.boxes.tolist() == [[0, 0, 1, 1], [0, 0, 0.5, 1], [0, 0, 0.1, 1]]
    assert two.actions == ((5, 6), (5,), ())
    assert two.person_ids.tolist() == [3, 4, -1]
    assert two.scores.tolist() == [1, 1, 1]
    assert people[Keyframe("a", 1)].boxes.shape == (0, 4)


unit = st.floats(0, 1)
videos = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
person = st.tuples(
    st.tuples(unit, unit, unit, unit),
    st.lists(st.integers(1, 99), unique=True, max_size=3),
    st.integers(-1, 9),
    unit,
)
crowd = st.lists(person, max_size=4, unique_by=lambda one: tuple(0.0 + x for x in one[0]))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(
    st.dictionaries(st.tuples(videos, st.integers(-5, 2000)), crowd, min_size=1, max_size=5),
    st.sampled_from([".csv", ".csv.gz"]),
)
def test_round_trips(tmp_path, crowds, suffix):
    people = [
        PersonBoxes(
            Keyframe(*keyframe),
            np.array([box for box, _, _, _ in crowd]).reshape(-1, 4),
            tuple(tuple(actions) for _, actions, _, _ in crowd),
            np.array([score for _, _, _, score in crowd]),
            np.array([number for _, _, number, _ in crowd], np.int64),
        )
        for keyframe, crowd in crowds.items()
    ]
    table = table_of(people)
    again = people_by_keyframe(table)
    assert list(again) == [group.keyframe for group in people]
    for group in people:
        other = again[group.keyframe]
        np.testing.assert_array_equal(other.boxes, group.boxes)
        np.testing.assert_array_equal(other.scores, group.scores)
        np.testing.assert_array_equal(other.person_ids, group.person_ids)
        assert other.actions == group.actions

    path = tmp_path / f"truth{suffix}"
    write_ground_truth(path, table)
    truth = read_ground_truth(path).reset_index(drop=True)
    pd.testing.assert_frame_equal(truth, table.drop(columns="score"), check_categorical=False)

    labelled = table[table["action"] > 0].reset_index(drop=True)
    for tracks in (False, True):
        if len(labelled) or tracks:
            write_detections(path, labelled, tracks=tracks)
            found = read_detections(path).reset_index(drop=True)
            expected = labelled if tracks else labelled.assign(person=-1)
            pd.testing.assert_frame_equal(found, expected, check_categorical=False)
    assert list(tmp_path.glob(".*")) == []


def test_rows_are_written_as_they_come_and_appear_at_the_end(tmp_path):
    path = tmp_path / "rows.csv"
    with writing_rows(path, TRACKS_HEADER) as write:
        write([("a,b", 3, 0.5, 0.0, 1.0, 0.25, 7, 0.125, 2)])
        assert not path.exists()
        write([("c", 4, 0.0, 0.0, 1.0, 1.0, 8, 1e-05, -1)])
    assert path.read_text() == (
        "video,tick,x1,y1,x2,y2,action,score,track_id\n"
        '"a,b",3,0.5,0.0,1.0,0.25,7,0.125,2\n'
        "c,4,0.0,0.0,1.0,1.0,8,1e-05,-1\n"
    )
    table = read_detections(path)
    assert table["person"].tolist() == [2, -1]
    write_detections(tmp_path / "again.csv", table, tracks=True)
    assert (tmp_path / "again.csv").read_text() == path.read_text()
    with pytest.raises(TypeError), writing_rows(path) as write:
        write(None)
    assert read_detections(path).equals(table)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = written(tmp_path, GOOD)
    table = read_ground_truth(path)
    with pytest.raises(KeyError):
        write_detections(path, table)  # has no scores
    assert path.read_text() == GOOD
    assert [found.name for found in tmp_path.iterdir()] == ["rows.csv"]
