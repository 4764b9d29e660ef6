"""datasets/prepare_ava.py, on a mirror of small films."""

import csv
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
    assert sorted(videos) == ["-two.webm.mp4", "one.mp4", "short.mp4"]
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
    assert len(list((root / "videos_15min").iterdir())) == 2


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
