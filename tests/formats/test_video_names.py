"""Names of videos as tools write them, to the videos of a folder."""

import pytest

from ava_det.formats.video_names import VideoNames, video_name
from ava_det.structures import InputError

FILES = ("1", "x/1", "x/c", "y/2", "z/2")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("x/1.MP4", "x/1"),
        ("x\\1.avi", "x/1"),
        ("./x/clip.v2", "x/clip.v2"),
        ("/data/x/1.mkv", "/data/x/1"),
        ("", ""),
    ],
)
def test_a_path_names_a_video(path, name):
    assert video_name(path) == name


@pytest.mark.holds("13.8 suffixes of videos")
@pytest.mark.parametrize(
    "suffix", ["MTS", "ts", "m2ts", "3gp", "mpg", "wmv", "flv", "webm", "MP4", "mov", "avi", "mkv"]
)
def test_what_cameras_write_is_a_video(suffix):
    assert video_name(f"DCIM/00001.{suffix}") == "DCIM/00001"


@pytest.mark.parametrize(
    ("name", "file"),
    [("1", "1"), ("x/1", "x/1"), ("c", "x/c"), ("other/c", "x/c"), ("/data/x/c", "x/c")],
)
def test_the_very_name_else_the_only_one(name, file):
    assert VideoNames(FILES).find("f", name) == file


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2", r"f: several videos are named '2' \(y/2, z/2\); --video"),
        ("q/1", r"f: several videos are named '1' \(1, x/1\); --video"),
        ("d", "f: there is no video 'd'; --video"),
        ("", "f: does not name its video; --video"),
    ],
)
def test_what_is_not_to_be_found_is_told(name, message):
    with pytest.raises(InputError, match=message):
        VideoNames(FILES).find("f", name)


def test_two_names_never_become_one_video():
    names = VideoNames(FILES)
    assert names.find("f", "a/c") == names.find("g", "a/c") == "x/c"
    with pytest.raises(InputError, match="g: 'a/c' and 'b/c' would both be the video 'x/c'"):
        names.find("g", "b/c")
