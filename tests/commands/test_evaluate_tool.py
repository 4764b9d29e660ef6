"""The evaluation tool as a user runs it."""

import gzip
import json
import pickle
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ava_det.formats.outputs import alone

TOOL = Path(__file__).resolve().parents[2] / "tools" / "evaluate.py"
TRUTH = "v,902,0.1,0.1,0.5,0.9,1,0\nv,902,0.1,0.1,0.5,0.9,3,0\nv,903,0.5,0.1,0.9,0.9,2,0\nv,904\n"
FOUND = (
    "v,0902,0.1,0.1,0.5,0.9,1,0.9\n"
    "v,902,0.1,0.1,0.5,0.9,7,0.8\n"
    "v,904,0.1,0.1,0.5,0.9,2,0.7\n"
    "v,903,0.5,0.1,0.9,0.9,2,0.6\n"
    "w,1,0.5,0.1,0.9,0.9,1,1.0\n"
)
CLASSES = '1,stand,pose\n2,"sit, <b>alone</b>",pose\n9,never,object\n'


@pytest.fixture
def files(tmp_path):
    """A folder with small inputs."""
    for name, text in {"gt.csv": TRUTH, "det.csv": FOUND, "map.csv": CLASSES}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the tool in this process: exit code, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", [str(TOOL), *map(str, arguments)])
        with pytest.raises(SystemExit) as exit:
            runpy.run_path(str(TOOL), run_name="__main__")
        printed = capsys.readouterr()
        return exit.value.code, printed.out, printed.err

    return call


def inputs(folder, results="det.csv"):
    named = ("--ground-truth", folder / "gt.csv", "--class-map", folder / "map.csv")
    return (folder / results, *named)


def test_figures(files, run):
    code, out, err = run(*inputs(files), "--json", files / "out.json")
    assert code == 0
    figures = json.loads((files / "out.json").read_text())
    assert {name: part["mAP"] for name, part in figures.pop("sizes").items()} == {
        "small": None,
        "medium": None,
        "large": 0.75,
    }
    assert figures.pop("crowds")["1 person"] == {
        "mAP": 1.0,  # the false detection is on the empty keyframe
        "classes": 2,
        "ground_truth": 2,
        "detections": 2,
    }
    assert figures == {
        "protocol": "activitynet",
        "iou_threshold": 0.5,
        "mAP": 0.75,
        "groups": {"pose": 0.75, "object": None},
        "AP": {"stand": 1.0, "sit, <b>alone</b>": 0.5, "never": None},
        "ground_truth": {"stand": 1, "sit, <b>alone</b>": 1, "never": 0},
        "detections": {"stand": 1, "sit, <b>alone</b>": 2, "never": 0},
        "left_out": {
            "ground truth of classes that are not evaluated": 1,
            "detections of classes that are not evaluated": 1,
            "detections on keyframes that are not listed": 1,
        },
        "unlisted": 1,
    }
    assert re.search(r"^stand +1\.0000 +1 +1$", out, re.M)
    assert re.search(r"^never +- +0 +0$", out, re.M)
    assert "frame-mAP@0.5 (activitynet): 0.7500" in out
    assert "left out: 1 detections of classes that are not evaluated" in err
    assert "not in the ground truth: 1 videos of the detections: w" in err


def test_the_other_protocol_exclusions_and_overlap(files, run):
    (files / "excluded.csv").write_text("v,0903\n")
    options = ["--protocol", "uncapped", "--exclude", files / "excluded.csv", "--iou", "0.9"]
    code, out, err = run(*inputs(files), *options)
    assert code == 0
    assert "frame-mAP@0.9 (uncapped): 0.5000" in out  # the row of w is false and comes first
    assert "counted as false by 'uncapped': 1 detections" in err
    assert "left out: 1 ground truth on excluded keyframes" in err


TIMES = (
    "-bc,104.5045,0.1,0.1,0.5,0.9,1\n-bc,104.5045,0.1,0.1,0.5,0.9,2\n"
    "-bc,104.9,0.5,0.1,0.9,0.9,2\nv,0902,0.1,0.1,0.5,0.9,1\nv,0903,0.1,0.1,0.5,0.9,1\n"
)
FOUND_AT_TIMES = (
    "-bc,104.504500,0.1,0.1,0.5,0.9,1,0.9\n-bc,104.50450000001,0.1,0.1,0.5,0.9,2,0.8\n"
    "-bc,104.6,0.5,0.1,0.9,0.9,2,0.7\nv,902.0,0.1,0.1,0.5,0.9,1,0.6\n"
)


@pytest.fixture
def timed(files):
    """Files as AVA-Kinetics' whole set has them: AVA's seconds and Kinetics' times."""
    (files / "gt.csv").write_text(TIMES)
    (files / "det.csv").write_text(FOUND_AT_TIMES)
    (files / "excluded.csv").write_text("v,0903\n")
    return files


def test_times_in_fractions_of_a_second(timed, run):
    boxes = "".join(f"{row.rsplit(',', 2)[0]},,0.9\n" for row in FOUND_AT_TIMES.splitlines())
    (timed / "boxes.csv").write_text(boxes)
    (timed / "boxes.pkl").write_bytes(
        pickle.dumps({"-bc,104.5045": np.float64([[0.1, 0.1, 0.5, 0.9, 1]])})
    )
    options = ["--times", "--exclude", timed / "excluded.csv", "--compare", timed / "det.csv"]
    for proposals in ("boxes.csv", "boxes.pkl"):
        given = [*options, "--proposals", timed / proposals]
        code, out, err = run(*inputs(timed), *given, "--json", timed / "out.json")
        assert code == 0, err
        assert re.search(r"^stand +1\.0000 +2 +2$", out, re.M)
        figures = json.loads((timed / "out.json").read_text())
        assert figures["AP"] == {"stand": 1.0, "sit, <b>alone</b>": 0.5, "never": None}
        assert figures["unlisted"] == 1
        assert "left out: 1 ground truth on excluded keyframes" in err
        assert "0.7500 - 0.7500 = +0.0000" in out


def test_times_without_the_option_are_told(timed, run):
    code, out, err = run(*inputs(timed))
    assert (code, out) == (1, "")
    hint = "tick is not a whole number: 104.5045 (ava-det evaluate --times takes seconds)"
    assert err == f"error: {timed / 'gt.csv'}: row 1: {hint}\n"
    (timed / "det.csv").write_text("v,1e300,0.1,0.1,0.5,0.9,1,0.9\n")
    code, _, err = run(*inputs(timed), "--times")
    assert (code, err) == (1, f"error: {timed / 'det.csv'}: row 1: time is too large: 1e300\n")


def test_files_of_no_common_video_are_told(timed, run):
    """As tools/test.py names keyframes of AVA-Kinetics: by clips and their milliseconds."""
    (timed / "det.csv").write_text("-bc_000100_000110,4504,0.1,0.1,0.5,0.9,1,0.9\n")
    code, _, err = run(*inputs(timed), "--times")
    assert code == 0
    assert "no video is in both files: what `ava-det test` detected goes with the ground" in err


def test_pictures_at_times_of_a_film(timed, run, shared, caplog):
    video = min((shared / "data" / "jhmdb" / "videos" / "clap").iterdir())
    (timed / "videos").mkdir()
    shutil.copy(video, timed / "videos" / f"film{video.suffix}")
    (timed / "gt.csv").write_text("film,100.25,0,0,1,1,1\nfilm,999.5,0,0,1,1,1\n")
    (timed / "det.csv").write_text("film,100.25,0,0,1,1,1,0.9\n")
    options = ["--videos", timed / "videos", "--start", "100", "--html", timed / "out.html"]
    assert run(*inputs(timed), "--times", *options)[0] == 0
    assert (timed / "out.html").read_text().count("data:image/jpeg") == 1
    assert "no picture of film, tick 999500000" in caplog.text


def test_groups_of_another_list(files, run):
    (files / "groups.csv").write_text("1,anything,people\n5,else,pose\n")
    (files / "map.csv").write_text("1,stand\n2,sit\n")
    code, out, _ = run(*inputs(files), "--groups", files / "groups.csv")
    assert code == 0
    assert "(activitynet), people classes: 1.0000" in out


def test_page_with_loss_curves_is_escaped(files, run):
    (files / "metrics.json").write_text('{"iteration": 0, "total_loss": 2}\n')
    page = files / "out.html"
    code, out, _ = run(*inputs(files), "--html", page, "--run", files)
    assert code == 0
    assert f"report: {page}" in out
    text = page.read_text()
    assert "sit, &lt;b&gt;alone&lt;/b&gt;" in text
    assert "<b>alone" not in text
    assert "<h2>Training</h2>" in text


def test_pictures_of_jhmdb_keyframes(files, run, shared, caplog):
    videos = sorted((shared / "data" / "jhmdb" / "videos" / "clap").iterdir())[:1]
    folder = files / "videos" / "clap"
    folder.mkdir(parents=True)
    shutil.copy(videos[0], folder)
    name = f"clap/{videos[0].stem}"
    (files / "gt.csv").write_text(f"{name},0,0,0,1,1,1\n{name},999,0,0,1,1,1\ngone,3,0,0,1,1,1\n")
    (files / "det.csv").write_text(f"{name},0,0,0,1,1,1,0.9\n")
    options = ["--videos", files / "videos", "--ticks", "frames", "--html", files / "out.html"]
    assert run(*inputs(files), *options)[0] == 0
    text = (files / "out.html").read_text()
    assert text.count("data:image/jpeg") == 1
    assert "<h2>Best keyframes</h2>" in text
    assert "no picture of gone, tick 3" in caplog.text
    assert f"no picture of {name}, tick 999" in caplog.text


def test_nothing_heavy_is_imported(files):
    arguments = ["x", *map(str, inputs(files)), "--html", str(files / "out.html")]
    heavy = {"torch", "cv2", "av", "matplotlib", "PIL", "detectron2", "supervision", "scipy"}
    code = (
        "import runpy, sys\n"
        f"sys.argv = {arguments!r}\n"
        f"try: runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
        f"finally: print('loaded', sorted({heavy!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded []" in done.stdout


@pytest.mark.parametrize("case", ["small_1", "crowd_2", "uncapped_3"])
def test_recorded_answers(shared, tmp_path, run, case):
    folder, lists = (shared / "reference" / name for name in ("ava_eval", "ava_annotations"))
    folder /= case
    expected = json.loads((folder / "expected.json").read_text())
    options = ["--protocol", expected["protocol"], "--json", tmp_path / "out.json"]
    if (folder / "excluded.csv").exists():
        options += ["--exclude", folder / "excluded.csv"]
    evaluated = lists / "ava_action_list_v2.2_for_activitynet_2019.pbtxt"
    named = ["--ground-truth", folder / "gt.csv", "--class-map", evaluated]
    assert run(folder / "det.csv", *named, *options)[0] == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["protocol"] == expected["protocol"]
    assert result["mAP"] == pytest.approx(expected["mAP"], abs=1e-9)
    assert result["AP"].keys() == expected["AP"].keys()
    for name, value in expected["AP"].items():
        assert result["AP"][name] == (None if value is None else pytest.approx(value, abs=1e-9))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("det.csv", "v,1,0,0,1,1,2\n", "det.csv: row 1: 7 columns where 8 belong"),
        ("det.csv", "v,1,0,0,50,90,2,1\n", "not in pixels"),
        ("gt.csv", "", "gt.csv: the file is empty"),
        ("det.csv", "v,1,0,0,1,1,77,1\n", "det.csv: row 1: action 77 is not in the class map"),
        ("gt.csv", "v,1,0,0,1,1,77\n", "gt.csv: row 1: action 77 is not in the class map"),
        ("gt.csv", "v,1\n", "gt.csv: no row of an evaluated class counts"),
        ("map.csv", "1,a\n1,b\n", "map.csv: row 2: class 1 'b' is listed twice"),
        ("map.csv", None, "map.csv: no such file"),
    ],
)
def test_bad_input_is_one_line(files, run, name, text, message):
    if text is None:
        (files / name).unlink()
    else:
        (files / name).write_text(text)
    code, out, err = run(*inputs(files))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert message in err


ROW = "v,902,0.1,0.1,0.5,0.9,1,0.9"
# What other people's files have in place of a row, and what is said of it.
MALFORMED = {
    "v,902,0.1,0.1,0.5,0.9,1": "7 columns where 8 belong",
    f"{ROW},9": "9 columns where 8 belong",
    "v,902,0.1,0.": "4 columns where 8 belong",  # cut short
    ROW.replace(",", "\t"): "1 column where 8 belong",
    ROW.replace(",", ";"): "1 column where 8 belong",
    ROW.replace(",", " "): "1 column where 8 belong",
    ROW.replace(".", ","): "13 columns where 8 belong",  # decimal commas
    "v,902,12,30,110,200,1,0.9": "x1 = 12 is outside the frame",
    "v,902,-0.5,0.1,0.5,0.9,1,0.9": "x1 = -0.5 is outside the frame",
    "v,902,0.1,0.1,inf,0.9,1,0.9": "x2 is not finite: inf",
    "v,902,None,0.1,0.5,0.9,1,0.9": "x1 is not a number: 'None'",
    "v,902,[0.1,0.1,0.5,0.9],1,0.9": "x1 is not a number: '[0.1'",
    "v,902,,,,,1,0.9": "x1 is missing",
    "v,902,0.1,0.1,0.5,,1,0.9": "y2 is missing",
    "v,902,0.1,0.1,0.5,0.9,1,90%": "score is not a number: '90%'",
    "v,902,0.1,0.1,0.5,0.9,1,nan": "score is not finite: nan",
    "v,902,0.1,0.1,0.5,0.9,1,": "score is missing",
    "v,902,0.1,0.1,0.5,0.9,1,0.9 0.8": "score is not a number: '0.9 0.8'",
    'v,902,0.1,0.1,0.5,0.9,1,"1,000"': "score is not a number: '1,000'",
    f"{ROW}\0": "a zero byte: not a text file",
    "v,902,0.1,0.1,0.5,0.9,walk,0.9": "action is not a number: 'walk'",
    "v,902,0.1,0.1,0.5,0.9,1.5,0.9": "action is not a whole number: 1.5",
    "v,902,0.1,0.1,0.5,0.9,,0.9": "action is missing",
    f"v,902,0.1,0.1,0.5,0.9,{10**20},0.9": "action is not a whole number",
    "v,902.5,0.1,0.1,0.5,0.9,1,0.9": "tick is not a whole number: 902.5",
    "v,15:02,0.1,0.1,0.5,0.9,1,0.9": "tick is not a number: '15:02'",
    "v,0x386,0.1,0.1,0.5,0.9,1,0.9": "tick is not a number: '0x386'",
    "v,9_02,0.1,0.1,0.5,0.9,1,0.9": "tick is not a number: '9_02'",
    "v,,0.1,0.1,0.5,0.9,1,0.9": "tick is missing",
    ",902,0.1,0.1,0.5,0.9,1,0.9": "the name of the video is missing",
    f'"{ROW}': "1 column where 8 belong",  # a quote that is not closed
    "video,second,x1,y1,x2,y2,action,score": "tick is not a number: 'second'",
    "# the best run": "1 column where 8 belong",
    "<<<<<<< HEAD": "1 column where 8 belong",
    '{"video": "v"}': "1 column where 8 belong",
}


@pytest.mark.parametrize(("row", "problem"), MALFORMED.items())
def test_a_malformed_row_is_one_line_with_file_and_row(files, run, row, problem):
    (files / "det.csv").write_text(f"{ROW}\n{row}\n{ROW}\n")
    code, out, err = run(*inputs(files))
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {files / 'det.csv'}: row 2: {problem}")
    assert err.count("\n") == 1


UTF16 = "UTF-16 text, as some spreadsheets save it: save it as UTF-8"
LATIN = "not a text file in UTF-8: row 1 has the byte 0xe9"


@pytest.mark.holds("13.10 every error names its file: what is no csv")
@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("det.csv", ROW.encode("utf-16"), UTF16),
        ("det.csv", "v\xe9,902\n".encode("latin-1"), LATIN),
        (
            "det.csv",
            gzip.compress(ROW.encode(), mtime=0),
            "compressed by gzip: rename it to end in .gz",
        ),
        ("det.csv.gz", ROW.encode(), "not a whole gzip file"),
        ("det.csv.gz", gzip.compress(ROW.encode() * 999, mtime=0)[:60], "not a whole gzip file"),
    ],
)
def test_a_file_that_is_no_csv(files, run, name, content, problem):
    (files / name).write_bytes(content)
    code, _, err = run(*inputs(files, name))
    assert (code, err) == (1, f"error: {files / name}: {problem}\n")


def test_without_a_class_map(files, run):
    code, out, err = run(files / "det.csv", "--ground-truth", files / "gt.csv")
    assert code == 0
    assert "no class map given: the 3 ids of the ground truth are evaluated" in err
    assert re.search(r"^action 2 +0\.5000 +1 +2$", out, re.M)
    (files / "gt.csv").write_text("v,902\n")
    code, _, err = run(files / "det.csv", "--ground-truth", files / "gt.csv")
    assert (code, err) == (1, f"error: {files / 'gt.csv'}: no row has an action\n")


def test_beside_other_results(files, run):
    """Annotated boxes, proposals and another run, as figures and as results."""
    whole = "v,902,0.1,0.1,0.5,0.9,1,0.9\nv,903,0.5,0.1,0.9,0.9,2,0.9\n"
    (files / "whole.csv").write_text(whole)
    (files / "boxes.csv").write_text("v,902,0.1,0.1,0.5,0.9,,0.7\n")
    assert run(*inputs(files, "whole.csv"), "--json", files / "other.json")[0] == 0
    options = ["--ground-truth-boxes", files / "whole.csv", "--proposals", files / "boxes.csv"]
    page = ["--html", files / "out.html", "--json", files / "out.json"]
    code, out, _ = run(*inputs(files), *options, "--compare", files / "other.json", *page)
    assert code == 0
    assert "(activitynet), on annotated boxes: 1.0000" in out
    assert "lost to the person detector: 0.2500; to the actions: 0.0000" in out
    assert f"against {files / 'other.json'}: 0.7500 - 1.0000 = -0.2500" in out
    assert "-0.5000 sit" in out
    assert json.loads((files / "out.json").read_text())["ground_truth_boxes"]["mAP"] == 1.0
    text = (files / "out.html").read_text()
    assert "<h2>Comparison</h2>" in text
    assert "<h2>Proposals</h2>" in text
    _, by_results, _ = run(*inputs(files), "--compare", files / "whole.csv")
    assert "0.7500 - 1.0000 = -0.2500" in by_results
    (files / "two.csv").write_text("2,else\n9,never\n")
    other = [*inputs(files, "whole.csv")[:3], "--class-map", files / "two.csv"]
    assert run(*other, "--json", files / "two.json.gz")[0] == 0
    code, out, _ = run(
        *inputs(files), "--compare", files / "two.json.gz", "--html", files / "a.html"
    )
    assert code == 0
    assert f"not comparable: 1 class is in {files / 'two.json.gz'} only: else" in out
    assert "They do not compare: 2 classes are in this run only: " in (files / "a.html").read_text()
    (files / "other.json").write_text("{}")
    code, _, err = run(*inputs(files), "--compare", files / "other.json")
    assert code == 1
    assert err.endswith(f"{files / 'other.json'}: not the figures of an evaluation\n")


def test_tubes(files, run):
    rows = [f"v,{t},0.1,0.1,0.5,0.9,1" for t in range(20)]
    (files / "gt.csv").write_text("".join(f"{row},0\n" for row in rows))
    (files / "det.csv").write_text("".join(f"{row},0.9\n" for row in rows))
    code, out, _ = run(*inputs(files), "--video-map", "--json", files / "out.json")
    assert code == 0
    assert "tubes: 1 in the ground truth, 1 detected (linked here)" in out
    assert "video-mAP@0.5:0.95 (act): 1.0000" in out
    assert json.loads((files / "out.json").read_text())["video_mAP"]["mAP"]["0.2"] == 1.0
    (files / "det.csv").write_text("".join(f"{row},0.9\n" for row in rows[:14]))
    _, out, err = run(*inputs(files), "--video-map", "--html", files / "a.html")
    assert "tubes: 1 in the ground truth, 0 detected (linked here)" in out
    assert "left out: 1 linked tubes of less than 15 ticks" in err
    assert "tubes of the ground truth" not in err
    assert "Left out: 1 linked tubes of less than 15 ticks." in (files / "a.html").read_text()
    (files / "det.csv").write_text("".join(f"{row},0.9\n" for row in rows))
    _, out, _ = run(*inputs(files), "--video-map", "--video-map-protocol", "multisports")
    assert "video-mAP@0.5:0.95 (multisports): 1.0000" in out
    results, *rest = inputs(files)
    code, out, _ = run(*rest, "--video-map", results)
    assert (code, "video-mAP@0.5:0.95 (act): 1.0000" in out) == (0, True)
    code, _, err = run(*inputs(files), "--video-map-protocol", "act")
    assert (code, "--video-map-protocol needs --video-map" in err) == (2, True)


def test_tubes_that_cannot_be_told_apart(files, run):
    row = "v,1,0.1,0.1,0.5,0.9,1"
    tracked = f"video,tick,x1,y1,x2,y2,action,score,track_id\n{row},0.9,4\n{row},0.8,4\n"
    (files / "gt.csv").write_text(f"{row},0\n")
    (files / "det.csv").write_text(tracked)
    code, _, err = run(*inputs(files), "--video-map")
    assert code == 1
    assert err.startswith(f"error: {files / 'det.csv'}: two boxes of one person")
    (files / "gt.csv").write_text(f"{row}\n{row.replace('0.5', '0.6')}\n")
    code, _, err = run(*inputs(files), "--video-map")
    assert err.startswith(f"error: {files / 'gt.csv'}: two boxes of one person")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("det.csv", b""),
        ("det.csv.gz", gzip.compress(b"", mtime=0)),
        ("det.csv", b"\n"),
        ("det.csv", b"video,tick,x1,y1,x2,y2,action,score\n"),
        ("det.csv", b"v,902\nv,903\n"),
    ],
)
@pytest.mark.parametrize("protocol", ["activitynet", "uncapped"])
def test_a_detector_that_finds_nothing_scores_nothing(files, run, name, content, protocol):
    (files / name).write_bytes(content)
    page, figures = files / "out.html", files / "out.json"
    other = ["--compare", files / name, "--ground-truth-boxes", files / name, "--video-map"]
    given = [*inputs(files, name), "--protocol", protocol, *other]
    code, out, err = run(*given, "--html", page, "--json", figures)
    assert code == 0, err
    assert f"frame-mAP@0.5 ({protocol}): 0.0000" in out
    assert "nothing was detected: the results have no box" in err
    assert json.loads(figures.read_text())["mAP"] == 0
    assert json.loads(figures.read_text())["AP"]["stand"] == 0
    assert page.exists()


@pytest.mark.parametrize("name", ["gt.csv", "boxes.csv"])
def test_annotations_and_proposals_are_never_empty(files, run, name):
    (files / "boxes.csv").write_text("v,902,0.1,0.1,0.5,0.9,,0.7\n")
    (files / name).write_text("")
    code, _, err = run(*inputs(files), "--proposals", files / "boxes.csv")
    assert (code, err.splitlines()[-1]) == (1, f"error: {files / name}: the file is empty")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--iou", value) for value in ("7", "0", "-0.5", "nan", "half")),
        *(("--ticks", value) for value in ("0", "-1", "nan", "inf", "minutes")),
    ],
)
def test_numbers_that_make_no_sense(files, run, option, value):
    code, out, err = run(*inputs(files), f"{option}={value}")
    assert (code, out) == (2, "")
    assert f"argument {option}: " in err
    assert value in err.splitlines()[-1]


@pytest.mark.parametrize("option", [("--iou", 1), ("--iou", 0.01), ("--ticks", 0.5)])
def test_numbers_that_make_sense(files, run, option):
    assert run(*inputs(files), *option)[0] == 0


def test_bad_requests(files, run):
    code, _, err = run(*inputs(files), "--videos", files)
    assert code == 2
    assert err.endswith("error: --videos and --run show on the page: say where by --html\n")
    code, _, err = run(*inputs(files), "--times", "--ticks", "frames")
    assert code == 2
    assert err.endswith("error: --times are seconds: --ticks is of other files\n")
    code, _, err = run(*inputs(files), "--html", "o.html", "--videos", files / "none")
    assert (code, err) == (1, f"error: {files / 'none'}: no such folder\n")
    target = files / "none" / "out.json"
    code, _, err = run(*inputs(files), "--json", target)
    assert code == 1
    assert err.endswith(f"error: {target}: No such file or directory\n")
    assert run(*inputs(files), "--protocol", "mine")[0] == 2


@pytest.mark.holds("13.12 no file that is read is replaced: evaluate.py")
@pytest.mark.parametrize("option", ["--json", "--html"])
def test_an_input_is_never_written_over(files, run, option):
    before = (files / "gt.csv").read_bytes()
    code, _, err = run(*inputs(files), option, files / "gt.csv")
    assert (code, err) == (
        1,
        f"error: {files / 'gt.csv'}: would overwrite the input; choose another output\n",
    )
    assert (files / "gt.csv").read_bytes() == before


@pytest.mark.holds("13.11 two at once: evaluate.py refuses before it works")
def test_what_another_process_writes_is_refused(files, run):
    with alone(files / "o.json"):
        code, out, err = run(*inputs(files), "--json", files / "o.json")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {files / 'o.json'}: another process is writing to it; ")


@pytest.mark.holds("13.9 bounds: what rows take in memory")
@pytest.mark.parametrize("option", [None, "--compare", "--proposals", "--ground-truth-boxes"])
def test_the_rows_of_all_files_together_are_bounded(files, run, monkeypatch, option):
    more = [option, files / "det.csv"] if option else []
    code, _, err = run(*inputs(files), *more)
    assert code == 0, err
    rows = [len((files / name).read_text().splitlines()) for name in ("gt.csv", "det.csv")]
    monkeypatch.setattr(
        "ava_det.evaluation.evaluate.MOST_ROWS", sum(rows) + rows[1] * len(more) // 2 - 1
    )
    code, _, err = run(*inputs(files), *more)
    assert code == 1
    assert "det.csv: with it, the tables have" in err
