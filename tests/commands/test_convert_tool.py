"""datasets/convert.py: a film annotated in each tool's format, to AVA's csv and back."""

import json
import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from ava_det.data.sets.custom import load_keyframes, read_description
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.class_map import read_class_map
from ava_det.formats.frame_sizes import read_sizes
from ava_det.formats.outputs import alone
from ava_det.formats.tools.coco import write_coco
from ava_det.formats.tools.cvat import write_cvat
from ava_det.formats.tools.shapes import Shape, from_table
from ava_det.video.writer import VideoWriter

TOOL = Path(__file__).resolve().parents[2] / "datasets" / "convert.py"
NAMES = ["sit", "wave"]
SHAPES = [
    Shape("film", 0, (0.25, 0.25, 0.5, 0.75), ("sit",), 1),
    Shape("film", 2, (0.25, 0.25, 0.5, 0.875), ("sit", "wave"), 1),
    Shape("film", 2, (0.5, 0.25, 0.75, 0.75), (), 2),
]


def film(path: str) -> None:
    """Six frames."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(Path(path), height=64, width=128, rate=10, threads=1) as out:
        for _ in range(6):
            out.write(np.zeros((64, 128, 3), np.uint8))


def in_video(name: str) -> list[Shape]:
    return [replace(shape, video=name) for shape in SHAPES]


@pytest.fixture
def convert(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    film("videos/film.mp4")
    write_cvat("film.xml", SHAPES, NAMES, frames=6, height=64, width=128)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["convert.py", *arguments, "--videos", "videos"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL), run_name="__main__")
        return ended.value.code, capsys.readouterr()

    return call


def shapes_in(folder: str) -> list[Shape]:
    classes = read_class_map(f"{folder}/classes.pbtxt")
    return from_table(read_ground_truth(f"{folder}/annotations.csv"), classes)


@pytest.mark.parametrize(
    ("back", "written"),
    [("cvat", "film.xml"), ("coco", "instances.json"), ("via", "project.json")],
)
def test_there_and_back_again(convert, back, written):
    code, printed = convert("cvat", "film.xml", "--output", "mine")
    assert code == 0, printed.err
    assert "3 boxes on 2 keyframes, 2 actions; 1 boxes without one" in printed.out
    assert shapes_in("mine") == SHAPES
    rate = ["--rate", "10"] if back == "via" else []
    code, printed = convert(f"to-{back}", "mine/annotations.csv", "--output", "theirs", *rate)
    assert code == 0, printed.err
    code, printed = convert(back, f"theirs/{written}", "--output", "again", *rate)
    assert code == 0, printed.err
    assert shapes_in("again") == SHAPES
    description = Path("again/data.toml").read_text()
    assert 'videos = "../videos"' in description
    assert ("rate = 10.0" in description) == (back == "via")


@pytest.mark.parametrize("tool", ["cvat", "coco", "via"])
def test_folders_of_videos_survive_a_round_trip(convert, tool):
    film("videos/x/1.mp4")
    film("videos/y/1.mp4")
    names = ["x/1", "y/1"]
    for name in names:
        write_cvat(f"{name[0]}.xml", in_video(name), NAMES, frames=6, height=64, width=128)
    code, printed = convert("cvat", "x.xml", "y.xml", "--output", "mine")
    assert code == 0, printed.err
    expected = [shape for name in names for shape in in_video(name)]
    assert shapes_in("mine") == expected
    rate = ["--rate", "10"] if tool == "via" else []
    code, printed = convert(f"to-{tool}", "mine/annotations.csv", "--output", "theirs", *rate)
    assert code == 0, printed.err
    written = {"cvat": ["x/1.xml", "y/1.xml"], "coco": ["instances.json"], "via": ["project.json"]}
    files = [f"theirs/{file}" for file in written[tool]]
    code, printed = convert(tool, *files, "--output", "again", *rate)
    assert code == 0, printed.err
    assert shapes_in("again") == expected
    records = load_keyframes(read_description(Path("again/data.toml")))
    assert {record.path for record in records} == {f"again/../videos/{n}.mp4" for n in names}


def test_a_bare_name_is_the_only_video_that_bears_it(convert):
    film("videos/x/1.mp4")
    write_cvat("bare.xml", in_video("1"), NAMES, frames=6, height=64, width=128)
    code, printed = convert("cvat", "bare.xml", "--output", "mine")
    assert code == 0, printed.err
    assert shapes_in("mine") == in_video("x/1")
    film("videos/y/1.mp4")
    code, printed = convert("cvat", "bare.xml", "--output", "other")
    assert code == 1
    several = "bare.xml: several videos are named '1' (x/1, y/1); --video NAME says which it is"
    assert several in printed.err
    for k, video in enumerate(["x/1", "y/1"]):
        Path(f"{k}.xml").write_text(Path("bare.xml").read_text())
        code, printed = convert("cvat", f"{k}.xml", "--video", video, "--output", f"alone{k}")
        assert code == 0, printed.err
        assert shapes_in(f"alone{k}") == in_video(video)
    code, printed = convert("cvat", "0.xml", "1.xml", "--video", "x/1", "y/1", "--output", "both")
    assert code == 0, printed.err
    assert shapes_in("both") == in_video("x/1") + in_video("y/1")


def test_coco_as_cvat_exports_a_video_needs_its_name(convert):
    convert("cvat", "film.xml", "--output", "mine")
    convert("to-coco", "mine/annotations.csv", "--output", "theirs")
    content = json.loads(Path("theirs/instances.json").read_text())
    del content["videos"]
    for image in content["images"]:
        frame = image.pop("frame_id")
        del image["video_id"]
        image["file_name"] = f"frame_{frame:06d}.PNG"
    Path("cvat.json").write_text(json.dumps(content))
    code, printed = convert("coco", "cvat.json", "--output", "again")
    assert (code, printed.err.count("\n")) == (1, 1)
    assert "cvat.json: does not name its video; --video NAME does" in printed.err
    code, printed = convert("coco", "cvat.json", "--video", "film", "--output", "again")
    assert code == 0, printed.err
    assert shapes_in("again") == SHAPES


def test_frames_that_count_from_one_start_there(convert):
    convert("cvat", "film.xml", "--output", "mine")
    convert("to-coco", "mine/annotations.csv", "--output", "theirs")
    content = json.loads(Path("theirs/instances.json").read_text())
    for image in content["images"]:
        image["frame_id"] += 4
    Path("late.json").write_text(json.dumps(content))
    code, printed = convert("coco", "late.json", "--output", "again")
    assert code == 1
    assert "there is no frame 6 in videos/film.mp4, which has 0 to 5" in printed.err
    code, printed = convert("coco", "late.json", "--start", "4", "--output", "again")
    assert code == 0, printed.err
    assert [shape.tick for shape in shapes_in("again")] == [4, 6, 6]
    assert "start = 4" in Path("again/data.toml").read_text()
    # There and back, in formats whose frames count from where they did or from 0.
    code, printed = convert("to-coco", "again/annotations.csv", "--output", "coco")
    assert code == 0, printed.err
    frames = [
        image["frame_id"] for image in json.loads(Path("coco/instances.json").read_text())["images"]
    ]
    assert frames == [4, 6]
    code, printed = convert("to-cvat", "again/annotations.csv", "--output", "xml")
    assert code == 0, printed.err
    code, printed = convert("cvat", "xml/film.xml", "--start", "4", "--output", "back")
    assert code == 0, printed.err
    assert shapes_in("back") == shapes_in("again")
    assert "start = 4" in Path("back/data.toml").read_text()


def test_the_way_back_takes_ticks_as_they_are_described(convert):
    convert("cvat", "film.xml", "--output", "mine")
    code, printed = convert("to-via", "mine/annotations.csv", "--output", "theirs")
    assert code == 1
    assert "--rate says how many ticks are one" in printed.err
    code, printed = convert("to-via", "mine/annotations.csv", "--rate", "1", "--output", "theirs")
    assert code == 1
    assert "tick 2 is 2 s at a rate of 1, and videos/film.mp4 lasts 0.6 s" in printed.err
    convert("to-via", "mine/annotations.csv", "--rate", "10", "--output", "theirs")
    convert("via", "theirs/project.json", "--rate", "10", "--start", "900", "--output", "seconds")
    assert [shape.tick for shape in shapes_in("seconds")] == [900, 902, 902]
    code, printed = convert("to-via", "seconds/annotations.csv", "--output", "there")
    assert code == 0, printed.err
    assert Path("there/project.json").read_text() == Path("theirs/project.json").read_text()
    code, printed = convert("to-cvat", "seconds/annotations.csv", "--output", "xml")
    assert code == 1
    assert "seconds/data.toml: 10 ticks are a second; to-cvat has frames" in printed.err
    Path("seconds/data.toml").write_text('videos = "../videos"\nstart = 900')
    code, printed = convert("to-cvat", "seconds/annotations.csv", "--output", "xml")
    assert code == 0, printed.err
    convert("cvat", "xml/film.xml", "--output", "frames")
    assert shapes_in("frames") == SHAPES


def test_what_was_left_out_is_printed(convert):
    text = Path("film.xml").read_text()
    outline = '<polygon frame="0" keyframe="1" outside="0" occluded="0" points="0,0;9,0;9,9"/>'
    tracks = '<track id="8" label="car"></track><track id="9" label="person">' + outline
    Path("film.xml").write_text(text.replace("</annotations>", tracks + "</track></annotations>"))
    code, printed = convert("cvat", "film.xml", "--output", "mine")
    assert code == 0, printed.err
    assert shapes_in("mine") == SHAPES
    assert printed.out.splitlines()[1:] == [
        "people without any action: 1 of 2",
        "left out tracks labelled 'car': 1",
        "left out tracks of polygons, not boxes: 1",
    ]


def test_misuse_is_told_in_one_line(convert):
    Path("none.xml").write_text("<annotations/>")
    Path("other.pbtxt").write_text('label { name: "fly" label_id: 1 }')
    Path("empty.json").write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    for arguments, message in [
        (["cvat", "none.xml"], "none.xml: not the export of a task as"),
        (["cvat", "gone.xml"], "gone.xml: no such file"),
        (
            ["cvat", "film.xml", "--class-map", "other.pbtxt"],
            "action 'sit' is not in the class map",
        ),
        (["coco", "empty.json"], "empty.json: has no box to convert"),
        (["coco", "film.xml"], "film.xml: not JSON"),
        (["cvat", "film.xml", "film.xml"], "film.xml: has boxes on tick 0 of 'film', and so has"),
        (["cvat", "film.xml", "--video", "gone"], "there is no video 'gone'; --video NAME"),
        (["cvat", "film.xml", "--label", "dog"], "has no label 'dog'; it has 'person'"),
        (["cvat", "film.xml", "--attribute", "x"], "no attribute 'x'; it has 'sit', 'wave'"),
        (["cvat", "gone/film.xml"], "gone/film.xml: no such file"),
    ]:
        code, printed = convert(*arguments, "--output", "mine")
        assert code == 1
        assert message in printed.err
        assert printed.err.count("\n") == 1
        assert not Path("mine").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cvat", "--every", "0"], "argument --every: 0 is not a number of at least 1"),
        (["via", "--rate", "0"], "argument --rate: 0 is not a number above 0 and up to 1e+09"),
        (["via", "--rate", "inf"], "argument --rate: inf is not a number above 0 and up to 1e+09"),
        (["cvat", "--rate", "2"], "--rate is for via, to-via, not cvat"),
        (["via", "--label", "x"], "--label is for cvat, coco, not via"),
        (["to-coco", "--start", "1"], "--start is for cvat, via, coco, to-via, not to-coco"),
        (["via", "--stretched"], "--stretched is for cvat, coco, not via"),
        (
            ["cvat", "--start", "9" * 26],
            "argument --start: 99999999999999999999 is too large for a tick",
        ),
        (["cvat", "--video", "film", "film"], "--video takes a name for each FILE"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(convert, arguments, message):
    kind, *options = arguments
    code, printed = convert(kind, "film.xml", *options, "--output", "mine")
    assert (code, printed.out) == (2, "")
    assert printed.err.splitlines()[-1] == f"convert.py: error: {message}"
    assert not Path("mine").exists()


def test_people_called_by_texts_stay_apart_between_files(convert):
    convert("cvat", "film.xml", "--output", "mine")
    convert("to-coco", "mine/annotations.csv", "--output", "theirs")
    content = json.loads(Path("theirs/instances.json").read_text())
    for name, frame in ("a", 0), ("b", 2):
        kept = {image["id"] for image in content["images"] if image["frame_id"] == frame}
        boxes = [box for box in content["annotations"] if box["image_id"] in kept]
        boxes = [{**box, "track_id": f"{name}{box['track_id']}"} for box in boxes]
        Path(f"{name}.json").write_text(json.dumps({**content, "annotations": boxes}))
    code, printed = convert("coco", "a.json", "b.json", "--output", "again")
    assert code == 0, printed.err
    assert [shape.person for shape in shapes_in("again")] == [0, 1, 2]


@pytest.mark.holds("13.12 results are replaced with --overwrite alone: convert.py")
@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("cvat", "annotations.csv"),
        ("cvat", "classes.pbtxt"),
        ("cvat", "data.toml"),
        ("to-cvat", "film.xml"),
        ("to-coco", "instances.json"),
        ("to-via", "project.json"),
    ],
)
def test_what_is_there_is_replaced_only_where_that_is_meant(convert, form, written):
    convert("cvat", "film.xml", "--output", "mine")
    source = "film.xml" if form == "cvat" else "mine/annotations.csv"
    arguments = [form, source, "--output", "out", *(["--rate", "10"] if form == "to-via" else [])]
    Path("out").mkdir()
    path = Path("out", written)
    path.write_text("my work")
    code, printed = convert(*arguments)
    assert (code, printed.out) == (1, "")
    expected = f"error: {path}: exists already; --overwrite replaces it, or choose another output"
    assert printed.err == f"{expected}\n"
    assert [(found.name, found.read_text()) for found in Path("out").iterdir()] == [
        (written, "my work")
    ]
    code, printed = convert(*arguments, "--overwrite")
    assert code == 0, printed.err
    assert path.read_text() != "my work"


@pytest.mark.holds("13.12 two inputs with one stem do not collide: convert.py")
def test_files_of_one_name_but_for_its_case_are_refused(convert):
    film("videos/Film.mp4")
    shapes = [*in_video("film"), *in_video("Film")]
    for name in ("film", "Film"):
        write_cvat(f"{name}.xml", in_video(name), NAMES, frames=6, height=64, width=128)
    code, printed = convert("cvat", "film.xml", "Film.xml", "--output", "mine")
    assert code == 0, printed.err
    assert len(shapes_in("mine")) == len(shapes)
    code, printed = convert("to-cvat", "mine/annotations.csv", "--output", "xml")
    assert code == 1
    assert "on disks that ignore letter case" in printed.err
    assert not list(Path("xml").glob("*"))


@pytest.mark.holds("13.11 two at once: convert.py refuses before it writes")
def test_what_another_process_writes_is_refused(convert):
    Path("mine").mkdir()
    with alone(Path("mine/data.toml")):
        code, printed = convert("cvat", "film.xml", "--output", "mine")
    assert code == 1
    assert printed.err.startswith("error: mine/data.toml: another process is writing to it; ")
    assert not list(Path("mine").iterdir())


@pytest.mark.holds("13.12 a misspelt word is refused with the nearest: convert.py")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["cvta"], 2, "(did you mean cvat?)"),
        (["cvat", "--lable", "person"], 2, "unrecognized option --lable (did you mean --label?)"),
        (
            ["cvat", "--label", "persn"],
            1,
            "it has 'person' (did you mean person?)",
        ),
        (["cvat", "--attribute", "wav"], 1, "(did you mean wave?)"),
        (["cvat", "--video", "flim"], 1, "there is no video 'flim' (did you mean film?)"),
        (["cvat", "--actions", "attribute"], 2, "(did you mean attributes?)"),
    ],
)
def test_a_misspelt_word_is_refused_with_the_nearest(convert, arguments, code, message):
    form, *options = arguments
    ended, printed = convert(form, "film.xml", *options, "--output", "mine")
    assert (ended, message in printed.err) == (code, True), printed.err


def turned(path: str) -> None:
    """Six frames, stored as 128 x 64, that a phone says are to be turned."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = 64, 128, "yuv420p"
        stream.set_display_rotation(90)
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 128, 3), np.uint8), format="rgb24")
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


@pytest.mark.holds("13.7 pixels: frames of another shape than the video's")
@pytest.mark.parametrize("tool", ["cvat", "coco"])
@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        ((64, 128), [], ""),
        ((32, 64), [], ""),  # a smaller export
        ((128, 64), [], "shows as 128 x 64: width and height are swapped; a tool that does not"),
        ((128, 64), ["--stretched"], "width and height are swapped"),
        ((100, 100), [], "boxes were drawn on 100 x 100, and videos/film.mp4 shows as 128 x 64"),
        ((100, 100), ["--stretched"], ""),
    ],
)
def test_boxes_on_frames_of_another_shape_are_refused(convert, tool, size, options, message):
    write_cvat("film.xml", SHAPES, NAMES, 6, *size)
    write_coco("film.json", SHAPES, NAMES, lambda _: size)
    file = {"cvat": "film.xml", "coco": "film.json"}[tool]
    code, printed = convert(tool, file, *options, "--output", "mine")
    assert code == (1 if message else 0), printed.err
    assert message in printed.err
    if message:
        assert printed.err.startswith(f"error: {file}")
        assert printed.err.count("\n") == 1
        assert not Path("mine").exists()
        return
    assert shapes_in("mine") == SHAPES
    description = read_description(Path("mine/data.toml"))
    expected = None if options else {"film": size[::-1]}
    assert (read_sizes(description.sizes) if description.sizes else None) == expected


@pytest.mark.holds("13.7 pixels: frames of another shape than the video's")
def test_a_phone_s_video_has_the_shape_that_it_is_shown_at(convert):
    turned("videos/phone.mp4")
    for name, size, code in [("as_shown", (128, 64), 0), ("as_stored", (64, 128), 1)]:
        write_cvat(f"{name}.xml", in_video("phone"), NAMES, 6, *size)
        ended, printed = convert("cvat", f"{name}.xml", "--output", name)
        assert ended == code, printed.err
        assert ("swapped" in printed.err) == bool(code)


@pytest.mark.holds("13.7 pixels: VIA counts in square ones")
def test_via_counts_in_square_pixels(convert, shared):
    folder = shared / "cases" / "via_nonsquare_pixels"
    Path("videos/sar.mp4").write_bytes((folder / "videos" / "sar.mp4").read_bytes())
    code, printed = convert("via", str(folder / "project.json"), "--output", "mine")
    assert code == 0, printed.err
    (shape,) = shapes_in("mine")
    assert shape.box == pytest.approx((0.5, 100 / 576, 712 / 1024, 400 / 576))
    # A tool that counts in the stored pixels has the same box.
    write_cvat("sar.xml", [shape], ["stand"], 6, 576, 720)
    assert convert("cvat", "sar.xml", "--output", "again")[0] == 0
    assert shapes_in("again")[0].box == pytest.approx(shape.box)


CASES = [
    ("cvat", "size_swapped/swapped.xml", "size_swapped/videos/rot90.mp4", [], "are swapped"),
    ("cvat", "size_swapped/swapped.xml", "size_swapped/videos/phone.mp4", ["phone"], "are swapped"),
    ("cvat", "cvat_flags/boolwords.xml", "cvat_flags/videos/land.mp4", [], 5),
    ("cvat", "cvat_flags/dup_outside.xml", "cvat_flags/videos/land.mp4", [], 21),
    ("cvat", "suffixes/t.xml", "suffixes/videos/00001.MTS", [], 50),
    ("cvat", "annotations/stop100000000.xml", "film.mp4", ["film"], "goes on to frame 100000000"),
    ("cvat", "annotations/stopnan.xml", "film.mp4", ["film"], "stop_frame is 'nan'"),
    ("coco", "annotations/c_rot.json", "film.mp4", ["film"], "rotation is inf"),
    ("coco", "annotations/c_surr.json", "film.mp4", ["film"], "half a character"),
]


@pytest.mark.holds("13.7 to 13.10: the cases of annotation tools")
@pytest.mark.parametrize(("tool", "file", "video", "name", "expected"), CASES)
def test_the_cases_of_the_issue(convert, shared, tool, file, video, name, expected):
    cases = shared / "cases"
    if "/" in video:
        Path("videos", Path(video).name).write_bytes((cases / video).read_bytes())
    options = ["--video", *name] if name else []
    code, printed = convert(tool, str(cases / file), *options, "--output", "mine")
    if isinstance(expected, int):
        assert code == 0, printed.err
        assert len(shapes_in("mine")) == expected
    else:
        assert (code, printed.err.count("\n")) == (1, 1)
        assert expected in printed.err
        assert Path(file).name in printed.err


@pytest.mark.holds("13.8 columns: Roboflow's names")
def test_roboflow_s_frames(convert, shared):
    film("videos/match.mp4")
    for file, frames in ("roboflow.json", [1, 2]), ("one.json", [1]):
        path = str(shared / "cases" / "roboflow" / file)
        arguments = ["--actions", "label", "--stretched", "--output", file]
        code, printed = convert("coco", path, *arguments)
        assert code == 0, printed.err
        assert [(s.video, s.tick) for s in shapes_in(file)] == [("match", k) for k in frames]


HOSTILE = [
    "1e400", "NaN", "-Infinity", "1e308", "9" * 26, "9" * 5000, "-1", "0.5", "null", "true", '""',
    '"x"', "[]", "{}", "[" * 990 + "]" * 990, "[" * 5000 + "]" * 5000, '"\\ud800"', '"\\u0000"',
    '"' + "7" * 60_000 + '"', '"../../x"',
]  # fmt: skip


@pytest.mark.holds("13.10 every error names its file: annotations with any value replaced")
@pytest.mark.parametrize("tool", ["coco", "via"])
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:12])
def test_whatever_a_value_is_the_error_is_a_line_that_names_the_file(convert, tool, value):
    convert("cvat", "film.xml", "--output", "mine")
    rate = ["--rate", "10"] if tool == "via" else []
    convert(f"to-{tool}", "mine/annotations.csv", "--output", "theirs", *rate)
    written = {"coco": "instances.json", "via": "project.json"}[tool]
    text = Path("theirs", written).read_text()
    values = list(re.finditer(r'(?<=: )(?:-?[\d.]+|"[^"]*"|true|false|\[\d[^]]*\])', text))
    kinds: dict[str, re.Match[str]] = {}  # the first value of each key is enough
    for match in values:
        kinds.setdefault(text[: match.start()].rpartition('"')[0].rpartition('"')[2], match)
    for match in kinds.values():
        Path("bad.json").write_text(text[: match.start()] + value + text[match.end() :])
        code, printed = convert(tool, "bad.json", "--output", "again", "--overwrite", *rate)
        if code == 0:
            assert shapes_in("again")
        else:
            assert code == 1
            assert printed.err.startswith("error: bad.json")
            assert printed.err.count("\n") == 1
            assert len(printed.err) < 500
