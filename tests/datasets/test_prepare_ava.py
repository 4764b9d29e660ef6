"""datasets/prepare_ava.py, on a mirror of small films."""

import csv
import os
import runpy
import sys
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from numbered import write_numbered

from ava_det.data.video import Video

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
    assert problems["broken.mkv"].endswith(
        "not a readable video (Invalid data found when processing input)"
    )
    assert problems["short.mp4"].startswith("ends 2.0 s before the cut does")
    assert "cannot be had" in problems["no.mkv"]
    assert "3 videos have a problem; all are listed in" in out
    listed = (root / "broken.csv").read_text()
    leftover = root / "videos_15min" / f".{'a' * 32}.mp4"  # of a run that was killed long ago
    leftover.write_text("half")
    os.utime(leftover, (0, 0))
    code, out, _ = prepare(*source, *CUT)
    assert not leftover.exists()
    assert (code, "4 videos, 3 cut already" in out) == (1, True)
    assert (root / "broken.csv").read_text() == listed


def test_nothing_can_be_had(tmp_path, prepare):
    (tmp_path / "names.txt").write_text("no.mkv\n")
    mirror = (tmp_path / "mirror").as_uri()
    code, out, err = prepare("--download", "--mirror", mirror, "--list", tmp_path / "names.txt")
    assert (code, err.count("error")) == (1, 0)
    assert f"no.mkv: {mirror}/no.mkv: cannot be had" in out
    assert "cannot be had" in (tmp_path / "ava" / "broken.csv").read_text()
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
    assert "nothing says how its videos were cut" in out


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


def test_settings_that_are_none(tmp_path, mirror, prepare):
    folder = tmp_path / "ava" / "videos_15min"
    folder.mkdir(parents=True)
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


def test_whole_videos_are_only_got(tmp_path, mirror, prepare):
    (tmp_path / "names.txt").write_text("one.mkv\n")
    source = ("--download", "--mirror", mirror.as_uri(), "--list", tmp_path / "names.txt")
    assert prepare(*source, "--whole")[0] == 0
    assert [path.name for path in (tmp_path / "ava").iterdir()] == ["videos"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "videos: no such folder"),
        (("--download", "--list", "names.txt"), "names.txt: No such file"),
        (("--rate", -1), "--rate and --start are not negative"),
    ],
)
def test_misuse_is_one_line(prepare, arguments, said):
    code, _, err = prepare(*arguments)
    assert code == 1
    assert said in err
    assert err.count("\n") == 1


def test_a_list_cannot_write_elsewhere(tmp_path, mirror, prepare):
    (tmp_path / "names.txt").write_text("one.mkv\n../../etc/passwd\n")
    code, _, err = prepare("--download", "--list", tmp_path / "names.txt")
    assert code == 1
    assert "names.txt: row 2: '../../etc/passwd' is not the name of a file" in err
