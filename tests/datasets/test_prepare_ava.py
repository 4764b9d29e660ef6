"""datasets/prepare_ava.py, on a mirror of small films."""

import csv
import os
import runpy
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from numbered import write_numbered

from ava_det.formats.outputs import alone
from ava_det.video.video import Video

PROGRAM = Path(__file__).parents[2] / "datasets" / "prepare_ava.py"
CUT = ("--start", 2, "--seconds", 3)


@pytest.fixture
def mirror(tmp_path) -> Path:
    """Two films, one that is too short for the cut, and one that is none."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, seconds in (("one.mkv", 6), ("-two.webm.mp4", 6), ("short.mp4", 3)):
        write_numbered(folder / name, 24 * seconds, Fraction(24))
    (folder / "broken.mkv").write_bytes(b"not a film")
    (tmp_path / "names.txt").write_text("one.mkv\n-two.webm.mp4\nshort.mp4\nbroken.mkv\nno.mkv\n")
    return folder


@pytest.fixture
def prepare(monkeypatch, capsys, tmp_path):
    def call(*arguments: object) -> tuple[int, str, str]:
        command = [PROGRAM, "--root", tmp_path / "ava", "--workers", 1, *arguments]
        monkeypatch.setattr(sys, "argv", list(map(str, command)))
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(PROGRAM), run_name="__main__")
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return call


@pytest.mark.holds("13.11 two at once: prepare_ava.py refuses before it writes")
def test_what_another_process_prepares_is_refused(tmp_path, prepare):
    root = tmp_path / "ava"
    with alone(root):
        code, out, err = prepare("--download", "--list", tmp_path / "names.txt")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {root}: another process is writing to it; ")
    assert not list(root.iterdir())


def test_from_a_mirror_to_cut_videos(tmp_path, mirror, prepare):
    source = ("--download", "--mirror", mirror.as_uri(), "--list", tmp_path / "names.txt")
    code, out, _ = prepare(*source, *CUT)
    assert code == 1
    root = tmp_path / "ava"
    videos = {path.name: path for path in (root / "videos_15min").iterdir()}
    assert sorted(videos) == ["-two.webm.mp4", "one.mp4", "settings.json", "short.mp4"]
    with Video(videos["one.mp4"]) as video:
        assert len(video) == 90
        assert video.rate == pytest.approx(30)
    with open(root / "broken.csv") as file:
        problems = dict(csv.reader(file))
    assert "broken.mkv: not a readable video" in problems["broken.mkv"]
    assert problems["short.mp4"].startswith("ends 2.0 s before the cut does")
    assert "download failed" in problems["no.mkv"]
    assert "3 videos have a problem; all are listed in" in out
    listed = (root / "broken.csv").read_text()
    leftover = root / "videos_15min" / f".{'a' * 32}.mp4"  # of a run that was killed
    leftover.write_text("half")
    code, out, _ = prepare(*source, *CUT)
    assert not leftover.exists()
    assert (code, "4 videos, 3 cut already" in out) == (1, True)
    assert (root / "broken.csv").read_text() == listed


def test_nothing_can_be_had(tmp_path, prepare):
    (tmp_path / "names.txt").write_text("no.mkv\n")
    mirror = (tmp_path / "mirror").as_uri()
    code, out, err = prepare("--download", "--mirror", mirror, "--list", tmp_path / "names.txt")
    assert (code, err.count("error")) == (1, 0)
    assert f"no.mkv: {mirror}/no.mkv: download failed" in out
    assert "download failed" in (tmp_path / "ava" / "broken.csv").read_text()
    assert not (tmp_path / "ava" / "videos_15min").exists()


@pytest.mark.parametrize("rate", [30, 0])
def test_a_film_that_ends_early_is_listed_by_every_run(tmp_path, mirror, prepare, rate):
    """Also by those that find it cut, the first of which may have been stopped before its list."""
    root = tmp_path / "ava"
    (root / "videos").mkdir(parents=True)
    for name in ("one.mkv", "short.mp4"):
        (mirror / name).rename(root / "videos" / name)
    lists = []
    for _ in range(2):
        code, out, _ = prepare(*CUT, "--rate", rate)
        assert code == 1
        assert "short.mp4: ends 2.0 s before the cut does; was cut all the same" in out
        assert "1 videos have a problem" in out
        lists.append((root / "broken.csv").read_text())
        (root / "broken.csv").unlink()
    assert "2 videos, 2 cut already" in out
    assert lists[0] == lists[1]


def test_a_cut_that_is_no_video_is_listed(tmp_path, mirror, prepare):
    root = tmp_path / "ava"
    for name in ("videos", "videos_15min"):
        (root / name).mkdir(parents=True)
    (mirror / "one.mkv").rename(root / "videos" / "one.mkv")
    (root / "videos_15min" / "one.mp4").write_bytes(b"not a film")
    code, out, _ = prepare(*CUT)
    assert code == 1
    assert "one.mp4: not a readable video" in (root / "broken.csv").read_text()
    assert "has no settings.json; its videos are taken as cut" in out


@pytest.mark.parametrize(
    ("other", "made_with"),
    [
        (("--start", 0), "start 2.0, not 0.0"),
        (("--seconds", 5), "seconds 3.0, not 5.0"),
        (("--rate", 10, "--short-side", 32), "rate 30.0, not 10.0, short_side None, not 32"),
        (("--rate", 0), "rate 30.0, not None"),
    ],
)
def test_another_cut_does_not_mix_with_what_is_there(tmp_path, mirror, prepare, other, made_with):
    root = tmp_path / "ava"
    (root / "videos").mkdir(parents=True)
    (mirror / "one.mkv").rename(root / "videos" / "one.mkv")
    assert prepare(*CUT)[0] == 0
    (mirror / "-two.webm.mp4").rename(root / "videos" / "two.mp4")
    # Refused at once, not after a download.
    code, out, err = prepare(*CUT, *other, "--download", "--list", tmp_path / "no.txt")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"settings.json: made with {made_with}: ask for the same" in err
    assert not (root / "videos_15min" / "two.mp4").exists()
    assert prepare(*CUT)[0] == 0
    assert (root / "videos_15min" / "two.mp4").exists()


def test_a_cut_that_made_nothing_binds_nobody(tmp_path, mirror, prepare):
    root = tmp_path / "ava"
    (root / "videos").mkdir(parents=True)
    (mirror / "one.mkv").rename(root / "videos" / "one.mkv")
    code, out, _ = prepare("--start", 90, "--seconds", 1)
    assert (code, "nothing after second 90" in out) == (1, True)
    assert prepare(*CUT)[0] == 0
    assert (root / "videos_15min" / "one.mp4").exists()
    code, _, err = prepare("--start", 90, "--seconds", 1)
    assert (code, "made with start 2.0, not 90.0" in err) == (1, True)


def test_settings_that_are_none(tmp_path, mirror, prepare):
    folder = tmp_path / "ava" / "videos_15min"
    folder.mkdir(parents=True)
    (folder / "one.mp4").touch()
    (folder / "settings.json").write_text("{")
    code, _, err = prepare(*CUT)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith(f"error: {folder / 'settings.json'}: not JSON (")


def test_what_is_done_is_left_alone(tmp_path, mirror, prepare):
    root = tmp_path / "ava"
    (root / "videos").mkdir(parents=True)
    (mirror / "one.mkv").rename(root / "videos" / "one.mkv")
    assert prepare(*CUT)[0] == 0
    before = (root / "videos_15min" / "one.mp4").stat().st_mtime_ns
    code, out, _ = prepare(*CUT)
    assert (code, "1 videos, 1 cut already" in out) == (0, True)
    assert (root / "videos_15min" / "one.mp4").stat().st_mtime_ns == before
    assert not (root / "broken.csv").exists()


@pytest.mark.slow
def test_several_processes(tmp_path, mirror, prepare):
    root = tmp_path / "ava"
    (root / "videos").mkdir(parents=True)
    for name in ("one.mkv", "-two.webm.mp4"):
        (mirror / name).rename(root / "videos" / name)
    assert prepare(*CUT, "--workers", 2)[0] == 0
    assert len(list((root / "videos_15min").glob("*.mp4"))) == 2


def test_a_cut_that_is_cut_short_is_listed(tmp_path, mirror, prepare):
    """Its header, which comes first, tells of more than is there."""
    root = tmp_path / "ava"
    (root / "videos").mkdir(parents=True)
    (mirror / "one.mkv").rename(root / "videos" / "one.mkv")
    assert prepare(*CUT)[0] == 0
    made = root / "videos_15min" / "one.mp4"
    made.write_bytes(made.read_bytes()[: made.stat().st_size * 3 // 4])
    code, out, _ = prepare(*CUT)
    assert (code, "1 cut already" in out) == (1, True)
    assert "one.mp4: the file is cut short" in (root / "broken.csv").read_text()


def test_whole_videos_are_got_and_looked_at(tmp_path, mirror, prepare):
    (tmp_path / "names.txt").write_text("one.mkv\n")
    source = ("--download", "--mirror", mirror.as_uri(), "--list", tmp_path / "names.txt")
    code, out, _ = prepare(*source, *CUT, "--whole")
    assert (code, out) == (0, "1 videos checked, 1 are intact\n")
    assert [path.name for path in (tmp_path / "ava").iterdir()] == ["videos"]


def test_whole_videos_that_are_broken_are_listed(tmp_path, mirror, prepare):
    """What is there is looked at in every run, and what cannot be had is listed beside it."""
    root = tmp_path / "ava"
    torn = mirror / "torn.mkv"
    torn.write_bytes((mirror / "one.mkv").read_bytes()[:-2000])
    (tmp_path / "names.txt").write_text("gone.mkv\n")
    root.mkdir()
    mirror.rename(root / "videos")
    source = ("--download", "--mirror", "file:///nowhere", "--list", tmp_path / "names.txt")
    code, out, _ = prepare(*CUT, "--whole", *source)
    assert (code, "5 videos checked, 2 are intact\n" in out) == (1, True)
    with open(root / "broken.csv") as file:
        problems = dict(csv.reader(file))
    assert set(problems) == {"video", "broken.mkv", "short.mp4", "torn.mkv", "gone.mkv"}
    assert problems["short.mp4"] == "3.0 s long, ends before second 5"
    assert "torn.mkv: the file is cut short: " in problems["torn.mkv"]
    assert "not a readable video" in problems["broken.mkv"]
    for name in ("broken.mkv", "short.mp4", "torn.mkv"):
        (root / "videos" / name).unlink()
    assert prepare(*CUT, "--whole")[:2] == (0, "2 videos checked, 2 are intact\n")
    assert not (root / "broken.csv").exists()


def test_whole_videos_that_are_not_there(tmp_path, prepare):
    code, _, err = prepare("--whole")
    assert (code, "videos: no such folder" in err) == (1, True)
    (tmp_path / "ava" / "videos").mkdir(parents=True)
    code, _, err = prepare("--whole")
    assert (code, "videos: has no video; --download gets them" in err) == (1, True)
    (tmp_path / "names.txt").write_text("\n")
    code, _, err = prepare("--whole", "--download", "--list", tmp_path / "names.txt")
    assert (code, "names.txt: names no video" in err) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "everybody", "workers"),
    [(signal.SIGTERM, False, 2), (signal.SIGTERM, True, 1), (signal.SIGINT, True, 2)],
)
def test_a_stopped_run_leaves_no_partial_video(tmp_path, number, everybody, workers):
    """Also where its processes get the signal, as SLURM sends it; no film is cut to its end."""
    root = tmp_path / "ava"
    target = root / "videos_15min"
    (root / "videos").mkdir(parents=True)
    film = write_numbered(root / "videos" / "one.mp4", 1500, Fraction(25))
    for name in ("two", "three"):
        (film.parent / f"{name}.mp4").symlink_to(film)
    command = [sys.executable, PROGRAM, "--root", root, "--workers", workers, "--start", 0]
    command += ["--seconds", 60, "--rate", 60, "--short-side", 720]
    process = subprocess.Popen(
        list(map(str, command)),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell has Ctrl-C ignored in what it starts in the background, such as these tests.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while len(list(target.glob(".*.mp4"))) < workers:
        assert process.poll() is None
        time.sleep(0.02)
    (os.killpg if everybody else os.kill)(process.pid, number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert err.endswith("\nstopped\n")
    assert "Traceback" not in err
    assert [path.name for path in target.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "videos: no such folder"),
        (("--download", "--list", "names.txt"), "names.txt: no such file"),
    ],
)
def test_misuse_is_one_line(prepare, arguments, said):
    code, _, err = prepare(*arguments)
    assert code == 1
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "argument",
    ["--rate=-1", "--rate=nan", "--start=nan", "--start=-1", "--seconds=-1", "--seconds=0",
     "--seconds=inf", "--short-side=0", "--workers=0"],
)  # fmt: skip
def test_numbers_that_are_none_are_misuse(tmp_path, prepare, argument):
    code, _, err = prepare(argument)
    assert code == 2
    assert f"argument {argument.partition('=')[0]}: " in err
    assert not (tmp_path / "ava").exists()


def test_a_list_cannot_write_elsewhere(tmp_path, mirror, prepare):
    (tmp_path / "names.txt").write_text("one.mkv\n../../etc/passwd\n")
    code, _, err = prepare("--download", "--list", tmp_path / "names.txt")
    assert code == 1
    assert "names.txt: row 2: '../../etc/passwd' is not the name of a file" in err
