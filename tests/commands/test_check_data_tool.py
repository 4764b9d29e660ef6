"""tools/check_data.py: every kind of finding, one by one, and nothing where nothing is wrong."""

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made_sets import forget
from made_small import write_film

from ava_det.data.check.findings import KINDS
from ava_det.data.sets import ava
from ava_det.data.sets.ava import AvaFiles
from ava_det.data.sets.catalog import get_dataset, register
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.frame_sizes import write_sizes
from ava_det.structures import InputError

ROOT = Path(__file__).resolve().parents[2]
GOOD = [f"{video},{tick},0.1,0.1,0.5,0.5,{action},{person}"
        for video in ("one", "two") for tick in (902, 903, 904)
        for action, person in ((1, 0), (3, 0))]  # fmt: skip
CLASSES = "1,stand\n3,walk\n"


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    """Two films of six seconds, 30 frames a second, 64 x 48."""
    folder = tmp_path_factory.mktemp("films")
    for name in ("one", "two"):
        write_film(folder / f"{name}.mp4", 180, Fraction(30))
    return folder


@pytest.fixture
def check(run_tool, tmp_path, films):
    """Check rows against the films; the tool's result and its findings by kind."""

    def call(rows=GOOD, *arguments, videos=films):
        (tmp_path / "rows.csv").write_text("".join(f"{row}\n" for row in rows))
        (tmp_path / "classes.csv").write_text(CLASSES)
        where = ("--videos", videos) if videos else ()
        json_path = tmp_path / "found.json"
        ran = run_tool(
            "check_data", "--annotations", tmp_path / "rows.csv", *where,
            "--class-map", tmp_path / "classes.csv", "--json", json_path, *arguments,
        )  # fmt: skip
        found = json.loads(json_path.read_text()) if json_path.exists() else {"findings": []}
        return ran, {finding["kind"]: finding for finding in found["findings"]}

    return call


def test_nothing_is_wrong(check):
    ran, found = check()
    assert (ran.code, found) == (0, {})
    assert ran.out == "12 rows of 2 videos\nno errors, no warnings\n"


BOXED = "one,902,{},{},{},{},1"
ROWS = {
    "columns": ["one,902,0.1,0.1", "one,902,0.1,0.1,0.5,0.5,1,0,9"],
    "number": ["one,902,0.1,x,0.5,0.5,1", "one,902.5,0.1,0.1,0.5,0.5,1", ",902,0,0,1,1,1",
               "one,902,0.1,inf,0.5,0.5,1", "one,902,0.1,,0.5,0.5,1"],
    "pixels": [BOXED.format(10, 20, 300, 200)],
    "outside": [BOXED.format(0.5, 0.5, 0.9, 1.4), BOXED.format(-0.3, 0.5, 0.9, 1)],
    "edge": [BOXED.format(0.5, 0.5, 0.9, 1.05), BOXED.format(-0.05, 0.6, 0.9, 1)],
    "degenerate": [BOXED.format(0.5, 0.5, 0.4, 0.9)],
    "corners": [BOXED.format(0.5, 0.5, 0.4, 0.3 + 0.01 * k) for k in range(6)],
    "zero_id": ["one,902,0.2,0.1,0.5,0.5,0,5"],
    "class": ["one,902,0.2,0.1,0.5,0.5,2,5", "one,903,0.2,0.1,0.5,0.5,-7,5"],
    "unlabelled": ["one,902,0.2,0.1,0.5,0.5,,5", "one,903,0.2,0.1,0.5,0.5,-1,5"],
    "duplicate": [GOOD[0]],
    "person": ["one,902,0.2,0.1,0.5,0.5,1,0"],
    "missing_video": ["three,902,0.2,0.1,0.5,0.5,1,0"],
    "outside_video": ["one,920,0.2,0.1,0.5,0.5,1,0"],
}  # fmt: skip


def test_the_last_line_counts_the_kinds(check):
    ran, _ = check([*GOOD, *ROWS["class"], *ROWS["zero_id"], *ROWS["edge"]])
    assert ran.out.splitlines()[-1] == "2 kinds of error, 1 kind of warning"


@pytest.mark.parametrize("kind", ROWS)
def test_rows(check, kind):
    ran, found = check([*GOOD, *ROWS[kind]])
    extra = {"unused_video"} if kind == "missing_video" else set()
    assert set(found) - extra == {kind}
    finding = found[kind]
    if kind not in ("person",):
        assert finding["count"] == len(ROWS[kind])
    assert finding["examples"][0]["row"] == len(GOOD) + 1
    assert finding["remedy"] == KINDS[kind].remedy
    assert Path(finding["file"]).name == "rows.csv"
    assert ran.code == (KINDS[kind].severity == "error")
    assert f"{KINDS[kind].severity}: " in ran.out
    assert f"row {len(GOOD) + 1}: " in ran.out


def test_what_ava_csv_refuses_is_an_error(check, tmp_path):
    """Whatever the reader of the data set refuses is found, and only that."""
    for kind, rows in ROWS.items():
        _, found = check([*GOOD, *rows])
        try:
            read_ground_truth(tmp_path / "rows.csv")
            refused = False
        except InputError:
            refused = True
        assert refused == (kind in ("columns", "number", "pixels", "outside")), (kind, found)


def test_excluded_and_unknown_ticks(check, tmp_path):
    (tmp_path / "excluded.csv").write_text("one,0903\n")
    (tmp_path / "included.txt").write_text("902\n903\n")
    more = ("--exclude", tmp_path / "excluded.csv", "--include", tmp_path / "included.txt")
    ran, found = check(GOOD, *more)
    assert ran.code == 0
    assert {kind: finding["count"] for kind, finding in found.items()} == {"excluded": 2, "tick": 4}
    assert found["excluded"]["examples"][0] == {"row": 3, "what": "one, tick 903"}


def test_a_million_bad_rows_print_a_screen(check):
    rows = [f"one,{902 + k % 3},{k % 300},20,{k % 300 + 9},200,0,{k}" for k in range(100_000)]
    ran, found = check(rows)
    assert ran.code == 1
    assert found["pixels"]["count"] == found["zero_id"]["count"] == 100_000
    assert len(ran.out.splitlines()) < 40
    assert "... and 99995 more" in ran.out


@pytest.mark.parametrize(
    ("kind", "arguments", "severity"),
    [
        ("outside_video", ("--start", 902, "--ticks", 0.01), "error"),
        ("outside_video", ("--start", 903), "error"),
        ("outside_video", ("--ticks", "frames"), "error"),
        ("rate", ("--rate", 25), "warning"),
    ],
)
def test_clocks_and_rates(check, kind, arguments, severity):
    ran, found = check(GOOD, *arguments)
    assert set(found) == {kind}
    assert found[kind]["count"] == 2
    assert ran.code == (severity == "error")


def test_frames_as_ticks(check):
    rows = [f"one,{tick},0.1,0.1,0.5,0.5,1,0" for tick in (0, 179, 180)]
    _, found = check(rows, "--ticks", "frames")
    (example,) = found["outside_video"]["examples"]
    assert example == {
        "row": 3,
        "what": "one: 1 keyframes, the first at tick 180: 180 of 180 frames",
    }


def test_videos(check, tmp_path, films):
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "one.mp4").write_bytes(b"nothing")
    shutil.copy(films / "two.mp4", videos / "tow.mp4")
    ran, found = check(videos=videos)
    assert ran.code == 1
    assert set(found) == {"broken_video", "missing_video", "unused_video"}
    assert found["missing_video"]["examples"] == [{"row": 7, "what": "two"}]
    assert found["unused_video"]["examples"][0]["what"].endswith("tow.mp4")
    (videos / "one.mp4").unlink()
    assert set(check(videos=videos)[1]) == {"no_video"}


def test_a_whole_film_where_a_cut_belongs(check, tmp_path):
    for name in ("one", "two"):
        write_film(tmp_path / f"{name}.mp4", 100 * 5, Fraction(5))
    ran, found = check(videos=tmp_path)
    assert (ran.code, set(found)) == (0, {"not_cut"})
    assert found["not_cut"]["examples"][0]["what"] == "one: 100 s, last keyframe at 4 s"


@pytest.mark.parametrize(
    ("size", "kind"),
    [("64,48", None), ("128,96", "rescaled"), ("128,72", "aspect"), ("48,64", "swapped")],
)
def test_sizes(check, tmp_path, size, kind):
    (tmp_path / "sizes.csv").write_text(f"video,width,height\none,{size}\n")
    ran, found = check(GOOD, "--sizes", tmp_path / "sizes.csv")
    assert set(found) == {kind} - {None}
    assert ran.code == (kind in ("aspect", "swapped"))


@pytest.mark.holds("13.7 pixels: frames of another shape than the video's")
@pytest.mark.parametrize(
    ("size", "kind"),
    [((128, 96), "rescaled"), ((96, 128), "swapped"), ((99, 99), "aspect"), ((64, 48), None)],
)
def test_a_description_tells_the_sizes_that_boxes_were_drawn_on(
    run_tool, tmp_path, films, size, kind
):
    (tmp_path / "rows.csv").write_text("one,3,0.1,0.1,0.5,0.5,1\n")
    (tmp_path / "classes.csv").write_text(CLASSES)
    write_sizes(tmp_path / "sizes.csv", {"one": size})
    description = 'annotations = "rows.csv"\nclass_map = "classes.csv"\nsizes = "sizes.csv"\n'
    (tmp_path / "data.toml").write_text(f'{description}videos = "{films}"\n')
    ran = run_tool("check_data", "--dataset", tmp_path / "data.toml", "--json", tmp_path / "x")
    found = [finding["kind"] for finding in json.loads((tmp_path / "x").read_text())["findings"]]
    assert found == [kind] * (kind is not None)
    assert ran.code == (kind in ("aspect", "swapped"))


@pytest.mark.holds("13.9 bounds: numbers of a description")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rate = 1e9", "too few for a rate of 1e+09"),
        (f"start = {'9' * 26}", "too large for a tick"),
    ],
)
def test_a_description_that_nothing_can_load_is_found(run_tool, tmp_path, films, line, message):
    (tmp_path / "data.toml").write_text(f'videos = "{films}"\n{line}\n')
    ran = run_tool("check_data", "--dataset", tmp_path / "data.toml")
    assert ran.code == 1
    assert message in ran.out + ran.err
    assert "data.toml" in ran.out + ran.err


@pytest.fixture
def frames(tmp_path) -> Path:
    """The same films as frames, ten a second."""
    lines = ["original_vido_id video_id frame_id path labels\n"]
    for name in ("one", "two"):
        (tmp_path / "frames" / name).mkdir(parents=True)
        for k in range(60):
            path = f"{name}/{name}_{k + 1:06d}.jpg"
            cv2.imwrite(str(tmp_path / "frames" / path), np.zeros((48, 64, 3), np.uint8))
            lines.append(f'{name} 0 {k} {path} ""\n')
    (tmp_path / "list.csv").write_text("".join(lines))
    return tmp_path / "frames"


def test_frames(check, tmp_path, frames, films):
    more = ("--frames", frames, "--frame-list", tmp_path / "list.csv")
    assert check(GOOD, *more, "--rate", 10)[1] == {}
    _, found = check(GOOD, *more)  # 30 a second: they would last two seconds only
    assert set(found) == {"outside_video"}
    (frames / "one" / "one_000007.jpg").unlink()
    cv2.imwrite(str(frames / "two" / "two_000060.jpg"), np.zeros((36, 64, 3), np.uint8))
    cv2.imwrite(str(frames / "one" / "one_000001.jpg"), np.zeros((36, 64, 3), np.uint8))
    _, found = check(GOOD, *more, "--rate", 10)
    assert set(found) == {"missing_frame", "frame_size", "aspect"}
    assert found["missing_frame"]["examples"][0]["what"] == "one: one/one_000007.jpg"
    assert found["aspect"]["examples"][0]["what"] == "one: 64 x 36, in the list 64 x 48"


@pytest.mark.parametrize(
    ("boxes", "kinds"),
    [
        ("one,{k},0.1,0.1,0.5,0.5,,0.9\ntwo,{k},0.1,0.1,0.5,0.5,,0.9\n", set()),
        ("one,{k},0.1,0.1,0.5,0.5,,0.9\n", {"uncovered"}),
        ("one,{k},0.1,0.1,0.5,0.5,,0.9\ntwo,{k},0.1,0.1,0.5,0.5,,9\n", {"score"}),
        ("one,{k},0.1,0.1,0.5,0.5,,0.9\ntwo,{k},0.1,0.1,0.5,0.5,,1\nsix,{k},0,0,1,1,,1\n",
         {"unmatched"}),
        ("one.mp4,{k},0.1,0.1,0.5,0.5,,0.9\n", {"no_match"}),
        ("one,{k},0.6,0.6,0.7,0.7,,0.9\ntwo,{k},0.6,0.6,0.7,0.7,,0.9\n", {"no_overlap"}),
        ("one,{k},10,10,70,70,,0.9\n", {"unreadable"}),
    ],
)  # fmt: skip
def test_proposals(check, tmp_path, boxes, kinds):
    text = "".join(boxes.format(k=k) for k in (902, 903, 904))
    (tmp_path / "boxes.csv").write_text(text)
    ran, found = check(GOOD, "--proposals", tmp_path / "boxes.csv")
    assert set(found) == kinds
    assert ran.code == any(KINDS[kind].severity == "error" for kind in kinds)
    assert ("recall@0.5" in ran.out) == ("unreadable" not in kinds)


def test_proposals_are_measured_on_what_counts(check, check_set, mine, tmp_path):
    """Nobody proposes people on keyframes that are left out, nor in videos that are not there."""
    (tmp_path / "excluded.csv").write_text("one,903\nday1/one,903\n")
    (tmp_path / "included.txt").write_text("902\n903\n")
    rows = [*GOOD, "gone,902,0.2,0.1,0.5,0.5,1,0"]
    boxes = tmp_path / "boxes.csv"
    found = [("one", 902), ("two", 902), ("two", 903), ("one", 904)]
    boxes.write_text("".join(f"{name},{tick},0.1,0.1,0.5,0.5,,0.9\n" for name, tick in found))
    counts = ("--exclude", tmp_path / "excluded.csv", "--include", tmp_path / "included.txt")
    usual = {"excluded", "tick", "missing_video"}
    ran, found = check(rows, *counts, "--proposals", boxes)
    assert set(found) - {"unused_video"} == usual
    assert " 0.000      3         1.000       1.000" in ran.out  # the fourth is not included
    boxes.write_text("".join(f"day1/{line}\n" for line in boxes.read_text().split()))
    more = 'class_map = "classes.csv"\nrate = 1\nstart = 900\n'
    more += 'excluded = "excluded.csv"\nincluded = "included.txt"\n'
    bad = ["two,1,0,0,1,1,1", "torn,902,0,0,1,1,1"]  # left out at loading
    (tmp_path / "videos" / "torn.mp4").write_bytes(b"nothing")
    (tmp_path / "included.txt").write_text("1\n902\n903\n")
    ran, found = check_set(mine(in_folders([*rows, *bad]), more), "--proposals", boxes)
    assert set(found) == {*usual, "outside_video", "broken_video"}
    assert " 0.000      3         1.000       1.000" in ran.out


@pytest.mark.parametrize("text", ["", "\n\n", "video_id,timestamp,x1,y1,x2,y2,action_id\n"])
def test_no_row_at_all(check, check_set, mine, text):
    rows = text.splitlines()
    for ran, found in (check(rows), check_set(mine(rows))):
        assert (ran.code, set(found)) == (1, {"empty"})
    assert found["empty"]["examples"][0]["what"] == ("only a header line" if "v" in text else
                                                     "an empty file")  # fmt: skip


def test_a_quote_that_is_not_closed_prints_no_file(check):
    _, found = check([*GOOD[:2], '"' + GOOD[2], *GOOD[3:], *GOOD * 9, '"a b"'])
    (example,) = found["columns"]["examples"]
    assert example["row"] == 3
    assert example["what"].startswith("'one,903,0.1,")
    assert len(example["what"]) < 140


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("columns", [25, 26, 40, 30_000])
def test_very_many_columns_are_a_finding_and_no_warning(check, columns):
    ran, found = check([GOOD[0] + ",1" * (columns - 7), *GOOD[1:]])
    assert (ran.code, ran.err) == (1, "")
    assert [example["row"] for example in found["columns"]["examples"]] == [1]


def test_a_file_that_is_no_text(check, tmp_path):
    ran, found = check(["\x00\xff"])
    assert ran.code == 1
    assert set(found) <= {"unreadable", "columns", "number"}


def test_headers_and_further_columns(check):
    header = "video_id,timestamp,x1,y1,x2,y2,action_id,status"
    assert check([header, *[row[:-1] + "7" for row in GOOD]])[1] == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--ticks", "hours"), "--ticks: hours: must be seconds, frames or a number of ticks"),
        (("--ticks", "0"), "--ticks: 0: must be seconds, frames or a number of ticks"),
        (("--rate", "0"), "--rate: 0 is not a number above 0"),
        (("--rows", "0"), "--rows: 0 is not a number of at least 1"),
        (("--frame-list", "x.csv"), "--frame-list needs --frames"),
        (("--frames", "x"), "--frames needs --frame-list"),
    ],
)
def test_misuse_is_refused(check, arguments, said):
    ran, _ = check(GOOD, *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_rows_are_checked_without_pictures(check, tmp_path):
    (tmp_path / "boxes.csv").write_text("one,902,0.1,0.1,0.5,0.5,,0.9\nsix,902,0,0,1,1,,1\n")
    (tmp_path / "excluded.csv").write_text("two,902\ntwo,903\ntwo,904\n")
    (tmp_path / "included.txt").write_text("902\n904\n")
    ran, found = check(videos=None)
    assert (ran.code, found) == (0, {})
    assert ran.out.splitlines()[:2] == [
        "12 rows of 2 videos",
        "only the rows are checked; --videos or --frame-list checks the pictures too",
    ]
    counts = ("--exclude", tmp_path / "excluded.csv", "--include", tmp_path / "included.txt")
    rows = [*GOOD, *ROWS["class"]]
    ran, found = check(rows, *counts, "--proposals", tmp_path / "boxes.csv", videos=None)
    counted = {kind: finding["count"] for kind, finding in found.items()}
    assert counted == {"class": 2, "excluded": 6, "tick": 5, "unmatched": 1, "uncovered": 1}
    assert ran.code == 1


@pytest.mark.parametrize("option", [("--ticks", "frames"), ("--start", 1), ("--rate", 25)])
def test_rows_alone_need_no_options_of_the_pictures(check, option):
    ran, _ = check(GOOD, *option, videos=None)
    assert ran.code == 2
    assert f"{option[0]}: needs --videos or --frame-list" in ran.err


def test_rows_are_checked_with_the_core_alone(tmp_path):
    """In a process that refuses to import anything but numpy and pandas."""
    (tmp_path / "rows.csv").write_text("".join(f"{row}\n" for row in GOOD))
    (tmp_path / "classes.csv").write_text(CLASSES)
    words = ["check", "--annotations", "rows.csv", "--class-map", "classes.csv"]
    program = f"""
import sys
import refuse_torch
from ava_det.extras import EXTRAS
refuse_torch.REFUSED |= {{name for names in EXTRAS.values() for name in names}}
sys.argv = ["ava-det", *{words}]
from ava_det.commands import main
main()
"""
    path = os.pathsep.join([str(ROOT / "tests" / "helpers"), *filter(None, sys.path)])
    ran = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("12 rows of 2 videos\n")


def test_a_file_that_is_not_there_is_one_line(check):
    ran, _ = check(GOOD, "--sizes", "nowhere.csv")
    assert (ran.code, ran.err) == (1, "error: nowhere.csv: no such file\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--class-map", "c.csv"), "--class-map: not with --dataset, which fixes this "
         "(a description by class_map)"),
        (("--include", "a", "--exclude", "b"), "--exclude, --include: not with --dataset, which "
         "fixes this (a description by excluded, included)"),
        (("--frames", "a", "--frame-list", "b"), "by frames, frame_lists"),
        (("--ticks", "seconds", "--start", 0), "by rate, start"),
        (("--videos", "videos"), "--videos: with --dataset only for a set of frames"),
    ],
)  # fmt: skip
def test_options_that_a_set_fixes_are_refused(run_tool, mine, arguments, message):
    ran = run_tool("check_data", "--dataset", mine(in_folders(GOOD)), *arguments)
    assert ran.code == 2
    assert message in ran.err


def test_every_kind_is_tested():
    other = ROOT / "tests" / "data" / "check" / "test_check_dataset.py"
    text = Path(__file__).read_text() + other.read_text()
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


@pytest.mark.slow
def test_jhmdbs_videos_with_more_annotations_than_frames(environment, tmp_path):
    """As a program of its own, for sets are registered below the folder of when they are."""
    arguments = ["--dataset", "jhmdb_split1_test", "--json", str(tmp_path / "a.json")]
    tool = [sys.executable, str(ROOT / "tools" / "check_data.py"), *arguments]
    assert subprocess.run(tool, env=environment, capture_output=True, check=False).returncode == 1
    (finding,) = json.loads((tmp_path / "a.json").read_text())["findings"]
    assert (finding["kind"], finding["count"]) == ("outside_video", 2)
    assert [example["what"] for example in finding["examples"]] == [
        "clap/The_Slow_Clap_clap_u_cm_np1_fr_med_4: 6 keyframes, the first at tick 27: "
        "27 of 27 frames",
        "clap/The_Slow_Clap_clap_u_nm_np1_fr_bad_20: 7 keyframes, the first at tick 18: "
        "18 of 18 frames",
    ]


@pytest.fixture
def check_set(run_tool, tmp_path):
    """Check a registered set; the tool's result and its findings by kind."""

    def call(name, *arguments):
        json_path = tmp_path / "found.json"
        json_path.unlink(missing_ok=True)
        ran = run_tool("check_data", "--dataset", name, "--json", json_path, *arguments)
        found = json.loads(json_path.read_text())["findings"]
        return ran, {finding["kind"]: finding for finding in found}

    return call


@pytest.fixture
def mine(tmp_path, films):
    """Write a description of the two films, in folders, and its rows; its path."""
    (tmp_path / "videos" / "day1").mkdir(parents=True)
    for name in ("one", "two"):
        shutil.copy(films / f"{name}.mp4", tmp_path / "videos" / "day1" / f"{name}.mp4")
    (tmp_path / "classes.csv").write_text(CLASSES)

    def call(rows, more='class_map = "classes.csv"\nrate = 1\nstart = 900\n', number=0):
        (tmp_path / f"rows{number}.csv").write_text("".join(f"{row}\n" for row in rows))
        path = tmp_path / f"data{number}.toml"
        path.write_text(f'annotations = "rows{number}.csv"\nvideos = "videos"\n{more}')
        return str(path)

    return call


def in_folders(rows):
    return [row.replace("one,", "day1/one,").replace("two,", "day1/two,") for row in rows]


def test_a_description_of_nothing_wrong(check_set, mine):
    ran, found = check_set(mine(in_folders(GOOD)))
    assert (ran.code, found) == (0, {})
    assert ran.out == "12 rows of 2 videos\nno errors, no warnings\n"


def test_a_description_is_checked_like_its_rows(check_set, mine):
    """Almost all kinds at once."""
    kinds = ROWS.keys() - {"corners", "person"}  # their boxes are other kinds' as well
    bad = [row for kind in ROWS if kind in kinds for row in ROWS[kind]]
    ran, found = check_set(mine(in_folders([*GOOD, *bad])))
    assert ran.code == 1
    assert set(found) - {"unused_video"} == kinds
    for finding in found.values():
        if finding["severity"] == "error":
            assert all(example["row"] > len(GOOD) for example in finding["examples"])


def test_what_a_description_leaves_out_is_an_error_with_its_row(check_set, mine, tmp_path):
    """Of whatever is left out at loading, the rows are found, and only these."""
    (tmp_path / "videos" / "torn.mp4").write_bytes(b"nothing")
    whole = (tmp_path / "videos" / "day1" / "two.mp4").read_bytes()
    (tmp_path / "videos" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    rows = [f"{video},{tick},0.1,0.1,0.5,0.5,1" for video, tick in (
        ("day1/one", 902), ("torn", 902), ("gone", 902), ("day1/two", 920), ("one", 902),
        ("cut", 902),
    )]  # fmt: skip
    name = mine(rows)
    ran, found = check_set(name)
    assert ran.code == 1
    shown = {kind: [(e["row"], e["what"]) for e in f["examples"]] for kind, f in found.items()}
    assert set(shown) == {"broken_video", "missing_video", "outside_video"}
    lost = [row for examples in shown.values() for row, _ in examples]
    assert shown["missing_video"] == [(3, "gone"), (5, "one: is 'day1/one' meant?")]
    assert [row for row, _ in shown["outside_video"]] == [4]
    left = {(row.video, row.tick) for row in get_dataset(name).ground_truth().itertuples()}
    assert left == {("day1/one", 902)}
    assert sorted(lost) == [2, 3, 4, 5, 6]


def test_a_video_that_is_cut_short_is_broken(check, check_set, mine, tmp_path, films):
    """Once, however many of its keyframes are gone; by headers alone and by all packets."""
    path = tmp_path / "videos" / "torn.mp4"
    name = mine(["torn,902,0.1,0.1,0.5,0.5,1", "torn,905,0.1,0.1,0.5,0.5,1"])
    with (
        av.open(films / "one.mp4") as film,
        av.open(path, "w", options={"movflags": "faststart"}) as file,
    ):
        stream = file.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = stream
                file.mux(packet)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    for ran, found in (check_set(name), check(["torn,902,0.1,0.1,0.5,0.5,1"], videos=path.parent)):
        assert (ran.code, set(found)) == (1, {"broken_video"})
        assert found["broken_video"]["count"] == 1
        (example,) = found["broken_video"]["examples"]
        assert example["row"] == 1
        assert f"{path}: the file is cut short: " in example["what"]
        assert "get" in found["broken_video"]["remedy"]
    with pytest.raises(InputError, match="no keyframe is left; left out: 1 of 1 videos"):
        get_dataset(name).keyframes()


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("one,902", "day1/one"),  # a bare name, where folders are part of it
        ("videos/day1/one,902", "day1/one"),
    ],
)
def test_names_are_those_that_the_reader_knows(check_set, check, mine, tmp_path, row, finding):
    rows = [f"{row},0.1,0.1,0.5,0.5,1"]
    _, found = check_set(mine(rows))
    assert set(found) == {"no_video"}
    (example,) = found["no_video"]["examples"]
    assert example["row"] == 1
    assert example["what"].endswith(f"is not there, nor is another: is {finding!r} meant?")
    assert set(check(rows, videos=tmp_path / "videos")[1]) == {"no_video"}
    with pytest.raises(InputError, match="all videos are missing"):
        get_dataset(mine(rows)).keyframes()


def test_an_ava_shaped_set_has_bare_names(check_set, mine, tmp_path):
    mine([])
    for number, (prefix, kinds) in enumerate((("", set()), ("day1/", {"no_video"}))):
        path = tmp_path / f"ava{number}.csv"
        path.write_text("".join(f"{prefix}{row}\n" for row in GOOD))
        files = AvaFiles(path, tmp_path / "classes.csv", tmp_path / "videos")
        name = f"bare_{number}"
        register(ava.dataset(name, files))
        try:
            assert set(check_set(name)[1]) == kinds
            if kinds:
                with pytest.raises(InputError, match="all videos are missing"):
                    get_dataset(name).keyframes()
            else:
                assert len(get_dataset(name).keyframes()) == 6
        finally:
            forget(name)


def test_hidden_files_are_no_videos(check_set, mine, tmp_path):
    (tmp_path / "videos" / "._three.mp4").write_bytes(b"of macOS")
    (tmp_path / "videos" / ".cache").mkdir()
    (tmp_path / "videos" / ".cache" / "four.mp4").write_bytes(b"of something")
    _, found = check_set(mine([*in_folders(GOOD), "gone,902", "._three,902", ".cache/four,902"]))
    assert {kind: finding["count"] for kind, finding in found.items()} == {"missing_video": 3}


def test_a_description_says_what_counts(check_set, mine, tmp_path):
    (tmp_path / "excluded.csv").write_text("day1/one,0903\n")
    (tmp_path / "included.txt").write_text("902\n903\n")
    more = 'class_map = "classes.csv"\nrate = 1\nstart = 900\n'
    more += 'excluded = "excluded.csv"\nincluded = "included.txt"\n'
    _, found = check_set(mine(in_folders(GOOD), more))
    assert {kind: finding["count"] for kind, finding in found.items()} == {"excluded": 2, "tick": 4}


def test_actions_without_a_class_map_are_found(check_set, mine):
    rows = [f"day1/one,{tick},0.1,0.1,0.5,0.5,{1 + tick}" for tick in (0, 1)]
    _, found = check_set(mine(rows, ""))  # a tick is a frame
    assert {kind: finding["count"] for kind, finding in found.items()} == {"class": 1}


def test_videos_of_a_description_without_rows(check_set, mine, tmp_path):
    mine([])
    (tmp_path / "all.toml").write_text('videos = "videos"\n')
    ran, found = check_set(tmp_path / "all.toml")
    assert (ran.code, found) == (0, {})
    assert ran.out.startswith("360 rows of 2 videos\n")  # all frames
    (tmp_path / "videos" / "torn.mp4").write_bytes(b"nothing")
    _, found = check_set(tmp_path / "all.toml")
    assert set(found) == {"broken_video"}
    assert "torn.mp4: not a readable video" in found["broken_video"]["examples"][0]["what"]


def test_frames_of_a_description(check_set, mine, tmp_path, frames):
    mine(GOOD)
    text = 'annotations = "rows0.csv"\nclass_map = "classes.csv"\nrate = 1\nstart = 900\n'
    text += 'frames = "frames"\nframe_lists = "list.csv"\nframe_rate = 10\n'
    (tmp_path / "frames.toml").write_text(text)
    assert check_set(tmp_path / "frames.toml")[1] == {}
    assert set(check_set(tmp_path / "frames.toml", "--rate", 30)[1]) == {"rate"}
    assert check_set(tmp_path / "frames.toml", "--videos", tmp_path / "videos")[1] == {}
    (frames / "one" / "one_000007.jpg").unlink()
    assert set(check_set(tmp_path / "frames.toml")[1]) == {"missing_frame"}


def test_a_list_of_clips_is_no_detection_set(check_set, tmp_path):
    (tmp_path / "list.txt").write_text("a.mp4 0\n")
    ran, found = check_set(tmp_path / "list.txt")
    assert ran.code == 1
    assert "has no keyframes" in found["unreadable"]["examples"][0]["what"]


def test_avas_own_annotations(shared, tmp_path):
    """No row of the published files is wrong; the keyframes of none are excluded."""
    from ava_det.data.check.findings import Findings
    from ava_det.data.check.rows import Rules, check_rows
    from ava_det.formats.class_map import read_class_map

    folder = shared / "reference" / "ava_annotations"
    rules = Rules(read_class_map(folder / "ava_action_list_v2.2.pbtxt"))
    for name, rows in (("ava_val_v2.1.csv.gz", 93400), ("ava_test_v1.0.csv.gz", 41425)):
        findings = Findings()
        assert len(check_rows(folder / name, rules, findings)) == rows
        assert list(findings) == []
