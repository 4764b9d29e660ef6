"""The detection tool as a user runs it, with random weights: what it writes and what it refuses."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ava_det.formats.ava_csv import read_detections
from ava_det.formats.outputs import alone
from ava_det.video.video import Video
from ava_det.video.writer import VideoWriter

ROOT = Path(__file__).resolve().parents[2]
EVERYBODY = ("--person-threshold", 0.05, "--score-threshold", 0.0)  # random weights are unsure


@pytest.fixture
def clip(tmp_path) -> Path:
    path = tmp_path / "some clip.mp4"
    rng = np.random.default_rng(0)
    with VideoWriter(path, height=72, width=96, rate=25, threads=1) as writer:
        for _ in range(20):
            writer.write(
                rng.integers(256, size=(9, 12, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            )
    return path


@pytest.fixture
def detect(run_tool, random_weights, tmp_path):
    def call(video, *arguments, output=tmp_path / "out"):
        weights = ("--weights", random_weights / "action.safetensors")
        return run_tool("detect", video, "--output", output, *weights, *arguments)

    return call


def test_the_three_files_tell_the_same(detect, clip, tmp_path):
    ran = detect(clip, *EVERYBODY, "--rate", 10, "--top-k", 2, "--person-size", 64)
    assert ran.code == 0, ran.err
    assert ran.out == f"wrote {tmp_path / 'out' / 'some clip.mp4'}, .csv and .json\n"
    assert "rendered people" not in ran.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "some clip.csv",
        "some clip.json",
        "some clip.mp4",
    ]
    with Video(tmp_path / "out" / "some clip.mp4") as film, Video(clip) as source:
        assert (film.height, film.width) == (480, 640)
        np.testing.assert_allclose(film.frame_times, source.frame_times, atol=1e-4)
    told = json.loads((tmp_path / "out" / "some clip.json").read_text())
    assert told["video"]["frames"] == 20
    assert told["classes"] == {"1": "stand", "4": "sit (down)", "9": "talk"}
    assert [keyframe["frame"] for keyframe in told["keyframes"]] == [0, 2, 5, 7, 10, 12, 15, 17]
    people = [person for keyframe in told["keyframes"] for person in keyframe["people"]]
    assert people
    assert {len(person["actions"]) for person in people} == {2}
    table = read_detections(tmp_path / "out" / "some clip.csv")
    assert len(table) == 2 * len(people)
    assert table["person"].tolist() == [person["track"] for person in people for _ in range(2)]
    assert set(table["video"]) == {"some clip"}


@pytest.mark.holds("13.12 results are replaced with --overwrite alone: detect.py")
def test_results_that_are_there_are_replaced_only_where_that_is_meant(detect, clip, tmp_path):
    told = tmp_path / "out" / "some clip.json"
    told.parent.mkdir()
    told.write_text("old")
    ran = detect(clip, "--weights", "none.safetensors")  # before any work
    assert ran.code == 1
    assert ran.err == (
        f"error: {told}: exists already; --overwrite replaces it, or choose another output\n"
    )
    assert [(path.name, path.read_text()) for path in told.parent.iterdir()] == [(told.name, "old")]
    ran = detect(clip, "--overwrite")
    assert ran.code == 0, ran.err
    assert json.loads(told.read_text())["keyframes"]


@pytest.mark.holds("13.12 two inputs with one stem do not collide: detect.py")
def test_a_video_of_the_same_name_does_not_replace_another_s_results(detect, clip, tmp_path):
    (tmp_path / "out").mkdir()
    film = tmp_path / "out" / "some clip.mp4"
    film.write_text("of the .mp4")
    other = clip.with_suffix(".mkv")
    other.write_bytes(clip.read_bytes())
    assert detect(other).err.startswith(f"error: {film}: exists already; ")


@pytest.mark.holds("13.11 two at once: detect.py refuses before it writes")
def test_what_another_process_writes_is_refused(detect, clip, tmp_path):
    (tmp_path / "out").mkdir()
    with alone(tmp_path / "out" / "some clip.csv"):
        ran = detect(clip, "--overwrite")
    path = tmp_path / "out" / "some clip.csv"
    assert (ran.code, ran.err.split(";")[0]) == (
        1,
        f"error: {path}: another process is writing to it",
    )
    assert not list(path.parent.iterdir())


def test_a_truncated_file_gives_what_can_be_decoded(detect, clip, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    ran = detect(cut)
    assert ran.code == 1
    assert ran.err.splitlines()[-1].startswith(f"error: {cut}: only ")
    assert "of 20 frames can be decoded" in ran.err
    with Video(tmp_path / "out" / "cut.mp4") as film:
        assert 5 < len(film) < 20
    frames = [k["frame"] for k in json.loads((tmp_path / "out/cut.json").read_text())["keyframes"]]
    assert 0 < max(frames) < 20


def text(path: Path) -> Path:
    path.write_text("not a video\n" * 100)
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def nothing(path: Path) -> Path:
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [(nothing, "no such file"), (text, "not a readable video"), (empty, "not a readable video")],
)
def test_what_is_no_video_is_refused_in_one_line(detect, tmp_path, make, message):
    ran = detect(make(tmp_path / "bad.mp4"))
    assert ran.code == 1
    assert ran.err.startswith(f"error: {tmp_path / 'bad.mp4'}: ")
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_video_of_zero_frames_is_refused(detect, clip, tmp_path):
    headers_only = tmp_path / "headers.mp4"
    data = clip.read_bytes()
    headers_only.write_bytes(data[: data.index(b"mdat") + 4])
    ran = detect(headers_only)
    assert ran.code == 1
    reason = "no frame of it can be decoded: it has no packet of pictures, or its header is damaged"
    assert ran.err == f"error: {headers_only}: {reason}\n"


def test_the_input_is_never_written_over(detect, clip, tmp_path):
    before = clip.read_bytes()
    ran = detect(clip, output=tmp_path)
    assert ran.code == 1
    assert "would overwrite the input" in ran.err
    (tmp_path / "other").symlink_to(tmp_path, target_is_directory=True)
    assert detect(clip, output=tmp_path / "other").code == 1
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / clip.name).hardlink_to(clip)
    assert detect(clip, output=tmp_path / "linked").code == 1
    assert clip.read_bytes() == before


def test_an_output_that_is_no_folder_is_refused_before_work(detect, clip, tmp_path):
    ran = detect(clip, output=text(tmp_path / "taken"))
    assert ran.code == 1
    assert ran.err == f"error: {tmp_path / 'taken'}: File exists\n"


def test_missing_weights_say_what_to_do(run_tool, clip, tmp_path, random_weights, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = run_tool("detect", clip, "--output", "out")
    assert ran.code == 1
    assert ran.err == (
        "error: runs/demo/action.safetensors: no such file; run `make demo` first, or give "
        "weights\n"
    )
    shutil.copy(random_weights / "action.safetensors", tmp_path)
    ran = run_tool("detect", clip, "--output", "out", "--weights", "action.safetensors")
    assert ran.code == 1
    assert "persons.safetensors: no such file; give a person detector, such as light" in ran.err


@pytest.mark.holds("13.10 every error names its file and row")
def test_the_weights_of_the_demo_are_for_rendered_people(
    run_tool, clip, tmp_path, random_weights, monkeypatch
):
    shutil.copytree(random_weights, tmp_path / "runs" / "demo")
    monkeypatch.chdir(tmp_path)
    ran = run_tool("detect", clip, "--output", "out")
    assert (ran.code, ran.out) == (0, "wrote out/some clip.mp4, .csv and .json\n")
    note = "the weights of the demo know rendered people only; give --weights for real videos\n"
    assert ran.err.count(note) == 1


@pytest.mark.parametrize("option", ["--weights", "--persons"])
def test_weights_that_are_no_file_are_called_what_they_are(detect, clip, tmp_path, option):
    os.mkfifo(tmp_path / "pipe.onnx")
    for path, words in ((tmp_path / "pipe.onnx", "a pipe or a device"), (tmp_path, "a folder")):
        ran = detect(clip, option, path)
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert f"{path}: {words}" in ran.err


def test_weights_of_another_kind_are_refused(detect, random_weights, clip):
    ran = detect(clip, "--persons", random_weights / "action.safetensors")
    assert ran.code == 1
    assert "weights of task 'detector', not of a person detector" in ran.err
    ran = detect(clip, "--weights", random_weights / "persons.safetensors")
    assert ran.code == 1
    assert "weights of task 'persons', not of an action detector" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--rate", rate) for rate in ("0", "-1", "inf", "nan", "five")),
        ("--rate", "1e9"),
        *(("--person-size", size) for size in ("1449", "20000")),
        ("--top-k", "-1"),
        *(("--score-threshold", score) for score in ("30", "-0.1", "nan", "1.01", "a")),
        *(("--person-threshold", score) for score in ("50", "inf")),
    ],
)
@pytest.mark.holds("13.12 scores are from 0 to 1: detect.py")
@pytest.mark.holds("13.9 bounds: options that set sizes")
def test_a_senseless_number_is_a_usage_error(detect, clip, arguments):
    ran = detect(clip, *arguments)
    assert ran.code == 2
    assert f"argument {arguments[0]}" in ran.err


@pytest.mark.holds("13.10 names of files that are no text: one line, before any work")
def test_a_name_that_is_no_text_is_refused_in_one_line(detect, clip, tmp_path):
    odd = clip.rename(clip.with_name(os.fsdecode(b"a\xff.mp4")))
    ran = detect(odd, "--weights", "none")
    assert ran.code == 1
    assert ran.err == (
        f"error: {tmp_path}/a\\udcff.mp4: the name is not valid UTF-8; rename the file\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.holds("13.12 a misspelt option or name is refused with the nearest: detect.py")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--score-treshold", "0.3"), "option --score-treshold (did you mean --score-threshold?)"),
        (("--score", "0.3"), "unrecognized option --score"),  # not completed
        (
            ("--persons", "lite"),
            "lite: no such file, nor weights that come with the package (",
        ),
    ],
)
def test_a_misspelt_word_is_a_usage_error(detect, clip, arguments, message):
    ran = detect(clip, *arguments)
    assert (ran.code, message in ran.err) == (2, True)


def test_help_comes_without_torch():
    code = (
        "import runpy, sys; sys.argv = ['detect.py', '--help']\n"
        "try: runpy.run_path('tools/detect.py', run_name='__main__')\n"
        "finally: assert 'torch' not in sys.modules and 'cv2' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--person-threshold" in done.stdout
