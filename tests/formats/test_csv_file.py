"""ava_det.formats.csv_file: which column is which, and what a file is that is no csv."""

import gzip
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ava_det.ablate.rows import read_rows
from ava_det.data.check.findings import Findings
from ava_det.data.check.rows import Rules, check_rows
from ava_det.data.sets.box_table import read_box_table
from ava_det.formats import atomic
from ava_det.formats.ava_csv import (
    read_boxes,
    read_detections,
    read_ground_truth,
    read_keyframes,
    read_timestamps,
)
from ava_det.formats.class_map import read_class_map
from ava_det.formats.csv_file import csv_rows, is_number, most_rows, named_rows, text_lines
from ava_det.formats.frame_lists import read_frame_lists
from ava_det.formats.frame_sizes import read_sizes
from ava_det.formats.proposals import read_proposals
from ava_det.formats.video_lists import ListedVideo, read_video_list
from ava_det.structures import InputError, Keyframe

HEADERS = {
    "video": ["video", "video_id", "Video ID", ' "VIDEO"', "videoName"],
    "tick": ["tick", "timestamp", "Middle_Frame_Timestamp", "second", "frame_timestamp", "frame"],
    "x1": ["x1", "X1", "xmin", "entity_box_x1", "bbox.x1", "left"],
    "y1": ["y1", "ymin", "entity_box_y1", "top"],
    "x2": ["x2", "xmax", "entity_box_x2", "right"],
    "y2": ["y2", "ymax", "entity_box_y2", "bottom"],
    "action": ["action", "action_id", "label", "class id"],
    "person": ["person", "person_id", "track_id", "entity_id"],
    "score": ["score", "Confidence"],
    "": ["", "status", "note", "Unnamed: 0"],
}
VALUES = {
    **{"video": "v", "tick": "902", "x1": "0.1", "y1": "0.2", "x2": "0.3", "y2": "0.4"},
    **{"action": "12", "person": "7", "score": "0.5", "": "x"},
}


def write(folder, text, name="rows.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def columns(draw):
    """The columns of a file in any order, each by one of its names."""
    order = draw(st.permutations(list(VALUES)))
    return order, [draw(st.sampled_from(HEADERS[name])) for name in order]


@pytest.mark.holds("13.8 a csv header that names columns in another order is followed: AVA's rows")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.composite(columns)())
def test_columns_are_what_the_header_says(tmp_path, drawn):
    order, titles = drawn
    row = ",".join(VALUES[name] for name in order)
    path = write(tmp_path, f"\ufeff{','.join(titles)}\n{row}\n")
    for read in (read_ground_truth, read_detections, read_boxes, read_proposals):
        (found,) = read(path).to_dict("records")
        numbers = {k: float(v) for k, v in VALUES.items() if k in found and k != "video"}
        assert found == {"video": "v", **numbers}
    assert read_keyframes(path) == [Keyframe("v", 902)]
    findings = Findings()
    (found,) = check_rows(path, Rules(), findings).to_dict("records")
    assert not list(findings)
    assert (found["y1"], found["action"], found["person"]) == (0.2, 12, 7)


@pytest.mark.holds("13.8 a csv header that names columns in another order is followed: the cases")
def test_the_headers_that_were_misread(shared):
    folder = shared / "cases/csv_headers"
    truth = read_ground_truth(folder / "gthead.csv")
    assert truth["action"].tolist() == [12, 17, 12]
    assert truth["person"].tolist() == [1, 1, 0]
    assert read_ground_truth(folder / "gthead2.csv")["action"].tolist() == [12, 17]
    found = read_detections(folder / "headorder.csv")
    assert found["score"].tolist() == [0.9, 0.8, 0.7]
    assert found["action"].tolist() == [12, 17, 12]
    columns = ["video", "tick", "x1", "y1", "x2", "y2", "action", "score"]
    plain = read_detections(folder / "dt.csv")[columns].to_numpy().tolist()
    assert found[columns].to_numpy().tolist() == plain
    assert read_detections(folder / "idx.csv")[columns].to_numpy().tolist() == plain


@pytest.mark.holds("13.8 ;, tab and UTF-16 are named as what they are")
@pytest.mark.parametrize(
    ("name", "what"),
    [("semi", "row 1: .*semicolons"), ("tab", "row 1: .*tabs"), ("utf16", "UTF-16")],
)
def test_what_is_no_csv_is_named(shared, name, what):
    path = shared / f"cases/csv_headers/{name}.csv"
    for read in (read_ground_truth, read_detections, read_boxes, read_keyframes, read_class_map):
        with pytest.raises(InputError, match=rf"{name}\.csv: .*{what}"):
            read(path)


TIDY = "video,tick,x1,y1,x2,y2,action,score"


@pytest.mark.holds("13.8 a csv header that cannot be followed is refused")
@pytest.mark.parametrize(
    ("header", "message"),
    [
        (TIDY.replace("x1,y1", "x,y"), r"row 1: no column x1, y1 in the header line"),
        (TIDY.replace("tick", "when"), "row 1: no column tick"),
        (TIDY.replace("score", "status"), "row 1: no column score"),
        (TIDY.replace("x2", "x1"), "row 1: 'x1' and 'x1' both name the column x1"),
        (TIDY.replace("score", "timestamp"), "row 1: 'tick' and 'timestamp' both name"),
        ("0,1,2,3,4,5,6,7", "row 1: the numbers of columns, as pandas writes"),
        (TIDY.replace(",", ";"), "row 1: its columns are separated by semicolons"),
        (TIDY.replace(",", " "), "row 1: its columns are separated by blanks"),
        ("v;0902;0,07;0,15;0,28;0,81;12;0,9", "row 1: its columns are separated by semicolons"),
    ],
)
def test_a_header_that_cannot_be_followed(tmp_path, header, message):
    path = write(tmp_path, f"{header}\nv,1,0,0,1,1,2,0.5\n")
    with pytest.raises(InputError, match=message):
        read_detections(path)


@pytest.mark.holds("13.8 rows under a header: an empty keyframe, too few and too many columns")
def test_rows_under_a_header_of_another_order(tmp_path):
    header = "x1,y1,x2,y2,video,tick,action,person\n"
    path = write(tmp_path, f"{header},,,,v,3,,\n0,0,1,1,w,4,5,6\n")
    table = read_ground_truth(path)
    assert table[["video", "tick"]].to_numpy().tolist() == [["v", 3], ["w", 4]]
    assert table["x1"].isna().tolist() == [True, False]
    for row, message in [
        ("0,0,1,1,,4,5,6", "the name of the video is missing"),
        ("0,0,1,,v,4,5,6", "y2 is missing"),
        ("0,0,1,1,v,4,5,6,7", "9 columns where 7 to 8 belong"),
        ("0,0,1,1,v", "tick is missing"),
        ("0,0,1,1,v,2", "6 columns where 7 to 8 belong"),
    ]:
        with pytest.raises(InputError, match=f"row 3: {message}"):
            read_ground_truth(write(tmp_path, f"{header}0,0,1,1,w,4,5,6\n{row}\n"))


@pytest.mark.holds("13.8 a csv header that names columns in another order: all other readers")
def test_other_readers_follow_headers(tmp_path):
    path = write(tmp_path, ",Name,class_id\n0,stand,3\n1,walk,2\n")
    assert read_class_map(path).names == {3: "stand", 2: "walk"}
    path = write(tmp_path, "name,group,id\nstand,pose,3\n")
    assert (read_class_map(path).names, read_class_map(path).groups) == ({3: "stand"}, {3: "pose"})
    path = write(tmp_path, "label,path\n5,a b.mp4\n")
    assert read_video_list(path) == [ListedVideo("a b.mp4", 5)]
    path = write(tmp_path, "height,width,video\n240,320,v\n")
    assert read_sizes(path) == {"v": (320, 240)}
    path = write(tmp_path, "recipe,seed,arm\nr,3,a\n")
    assert read_rows(path) == [{"recipe": "r", "seed": "3", "arm": "a"}]
    path = write(tmp_path, ',Frame,video,"Y1",x1,x2,y2,action\n0,3,7,20,10,30,40,golf\n')
    names = ["video", "frame", "x1", "y1", "x2", "y2", "action"]
    assert read_box_table(path, names).to_numpy().tolist() == [["7", 3, 10, 20, 30, 40, "golf"]]
    path = write(tmp_path, "end,Label\n7,walk\n\n")
    assert list(named_rows(path, ["Label", "end"])) == [(2, {"Label": "walk", "end": "7"})]


@pytest.mark.holds("13.8 a csv header that names columns in another order: frame lists")
def test_a_frame_list_of_another_order_is_refused(tmp_path):
    path = write(tmp_path, "video_id original_vido_id frame_id path labels\n0 v 0 v/1.jpg x\n")
    with pytest.raises(InputError, match="row 1: 'video_id' is column 1: write 'original_vido_id"):
        read_frame_lists([path])


READERS = [
    *(read_ground_truth, read_detections, read_boxes, read_keyframes, read_timestamps),
    *(read_class_map, read_video_list, read_rows, read_sizes),
    lambda path: read_box_table(path, ["video", "frame"]),
    lambda path: read_frame_lists([path]),
]


@pytest.mark.holds("13.9 bounds: a gzip file that unpacks without end, one endless line")
@pytest.mark.parametrize("read", READERS)
def test_files_without_end(tmp_path, monkeypatch, read):
    monkeypatch.setattr(atomic, "ALWAYS_UNPACKED", 1 << 12)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"v,902,0.1,0.1,0.5,0.9,1,1\n" * 40_000))
    with pytest.raises(InputError, match=r"bomb\.csv\.gz: "):
        read(path)
    path = write(tmp_path, "v" * (1 << 21), "line.csv")
    with pytest.raises(InputError, match=r"line\.csv: row 1: "):
        read(path)


@pytest.mark.holds("13.9 bounds: a pipe is refused rather than waited for")
@pytest.mark.parametrize("read", READERS)
def test_a_pipe(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match=r"pipe\.csv: a pipe or a device"):
        read(tmp_path / "pipe.csv")


@pytest.mark.holds("13.10 every error names its file and row")
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "content",
    [
        *(b"\x00", b"a,b\n\x00\n", b"\xff\xfe", b"\x1f\x8b\x08", b'"', b"v,\xe9\n", b"\xf0\x9f"),
        *(b"a\r\rb\r", b'"a\nb', b"v," + b"9" * 60000, b"v" * 200_000 + b",1", b"," * 20_000),
        "v,\u0661,0,0,1,1,1,1".encode(),
        b"video,tick,x1,y1,x2,y2,action,score\nv,1e400,0,0,1,1,1,1\n",
    ],
)
def test_whatever_is_in_a_file_one_line_names_it(tmp_path, read, content):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    try:
        read(path)
    except InputError as error:
        message = str(error)
    else:
        message = f"{path}: "
    assert message.startswith(f"{path}: ")
    assert len(message) < 500 + len(str(path))


@pytest.mark.holds("13.9 bounds: rows are counted before they are held")
def test_too_many_rows(tmp_path):
    path = write(tmp_path, "v,1\r\n" * 9)
    assert most_rows(path, 10) >= 10
    with pytest.raises(InputError, match=r"rows\.csv: more than 9 rows"):
        most_rows(path, 9)
    with pytest.raises(InputError, match=r"rows\.csv: more than 8 rows"):
        list(text_lines(path, 8))
    assert len(list(csv_rows(path, 9))) == 9
    with pytest.raises(InputError, match=r"rows\.csv: more than 8 rows"):
        list(csv_rows(path, 8))
    path = write(tmp_path, f"{'v' * 256},1\n" * 9)
    with pytest.raises(InputError, match=r"rows\.csv: more than 2,304 characters"):
        list(text_lines(path, 9))


def test_rows_and_lines_count_alike(tmp_path):
    path = write(tmp_path, '\ufeffa,"b\nc"\r\n\r\nd,e')
    assert list(csv_rows(path)) == [(1, ["a", "b\nc"]), (2, []), (3, ["d", "e"])]
    assert list(text_lines(path)) == ['a,"b\n', 'c"\r\n', "\r\n", "d,e"]


@pytest.mark.parametrize(
    ("text", "number"), [("1e3", True), ("1_0", False), ("\u0661", False), ("", False)]
)
def test_numbers_are_those_of_pandas_too(text, number):
    assert is_number(text) == number


@pytest.mark.holds("13.8 columns: a header line behind blank rows")
@pytest.mark.parametrize("read", [read_ground_truth, read_keyframes, read_sizes, read_class_map])
def test_a_header_behind_blank_rows_is_named_as_such(tmp_path, read):
    header = {read_sizes: "video,width,height", read_class_map: "id,name"}.get(read, "video,tick")
    path = write(tmp_path, f"\n\r\n{header}\n")
    with pytest.raises(InputError, match=r"rows\.csv: row 3: a header line behind blank rows"):
        read(path)


@pytest.mark.holds("13.8 ;, tab and UTF-16 are named as what they are")
@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        *(
            (f"utf-{size}{order}", f"UTF-{size}")
            for size in (16, 32)
            for order in ("", "-le", "-be")
        ),
        ("utf-8-sig", ""),
        ("utf-8", ""),
    ],
)
@pytest.mark.parametrize("text", ["video", "\ufeffvideo"])
def test_an_encoding_is_called_by_its_name(tmp_path, encoding, name, text):
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode(encoding))
    if not name:
        assert next(iter(text_lines(path))).endswith("video")
        return
    with pytest.raises(InputError, match=rf"rows\.csv: {name} text, .*: save it as UTF-8"):
        list(text_lines(path))


@pytest.mark.holds("13.9 bounds: what rows take in memory")
def test_rows_that_take_too_much_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ava_det.formats.ava_rows.MOST_ROWS", 100)
    boxes = "v,902,.1,.1,.5,.5,12,.9\n" * 101
    for read in (read_detections, read_boxes):
        with pytest.raises(InputError, match=r"rows\.csv: more than 100 rows, too many to hold"):
            read(write(tmp_path, boxes))
    with pytest.raises(InputError, match=r"rows\.csv: more than 20 bytes, too many to hold"):
        most_rows(write(tmp_path, "v,902\n" * 4), 10, 20)
    long = f"{'v' * 4000},902\n" * 40_000  # 160 MB where pandas parses 131,072 rows at a time
    with pytest.raises(InputError, match=r"row 3\d{4}: the rows before have more than 1,024 char"):
        most_rows(write(tmp_path, long), 1_000_000)


@pytest.mark.holds("13.9 bounds: what rows take in memory")
def test_very_many_names_of_videos_are_refused(tmp_path, monkeypatch):
    rows = "".join(f"video{k},902,.1,.1,.5,.5,12,.9\n" for k in range(10))
    assert len(read_detections(write(tmp_path, rows))) == 10
    monkeypatch.setattr("ava_det.formats.ava_rows.MOST_NAMES", 2000)
    assert len(read_detections(write(tmp_path, rows.replace("video9", "video0")))) == 10
    with pytest.raises(InputError, match=r"rows\.csv: too many different names of videos"):
        read_detections(write(tmp_path, rows))


@pytest.mark.holds("13.8 columns: an index of pandas without a header line")
@pytest.mark.parametrize(
    ("read", "row"),
    [
        (read_ground_truth, "0,v1,902,0.077,0.151,0.283,0.811,12,1"),
        (read_detections, "0,v1,902,0.077,0.151,0.283,0.811,12,0.9"),
        (read_boxes, "17,v1,0902,0.077,0.151,0.283,0.811"),
        (read_keyframes, "0,v1,902"),
    ],
)
def test_an_index_column_without_a_header_line_is_named(tmp_path, read, row):
    with pytest.raises(InputError) as caught:
        read(write(tmp_path, f"{row}\n"))
    assert str(caught.value).endswith(
        "rows.csv: row 1: tick is not a number: 'v1': the first column looks like an index: write "
        "the file with to_csv(index=False)"
    )
    findings = Findings()
    check_rows(tmp_path / "rows.csv", Rules(), findings)
    (finding,) = findings
    assert finding.kind == "unreadable"
    with pytest.raises(InputError, match=r"tick is not a number: 'v1'$"):
        read(write(tmp_path, row.replace("0,v1", "v,v1").replace("17,v1", "v,v1") + "\n"))
