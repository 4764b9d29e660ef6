"""ava_det.formats.frame_lists: against reading line by line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.formats import frame_lists
from ava_det.formats.frame_lists import read_frame_lists
from ava_det.structures import InputError

TITLE = "original_vido_id video_id frame_id path labels\n"


def line_by_line(text: str) -> dict[str, list[str]]:
    """What PySlowFast's loader makes of a list."""
    videos: dict[str, list[str]] = {}
    for line in text.splitlines()[1:]:
        words = line.split()
        videos.setdefault(words[0], []).append(words[3])
    return videos


def read(path, text):
    path.write_text(text)
    return {video: list(frames) for video, frames in read_frame_lists([path]).items()}


def usual(video: str, numbers) -> str:
    return "".join(f'{video} 0 {k} {video}/{video}_{k + 1:06d}.jpg ""\n' for k in numbers)


@pytest.mark.parametrize("chunk", [200, 1 << 24])
@pytest.mark.parametrize("stretch", [3, 4096])
def test_the_usual_list(tmp_path, monkeypatch, chunk, stretch):
    monkeypatch.setattr(frame_lists, "CHUNK", chunk)
    monkeypatch.setattr(frame_lists, "STRETCH", stretch)
    text = TITLE + usual("-5KQ66BBWC4", range(40)) + usual("-5KQ66BBWC5", range(7, 30))
    assert read(tmp_path / "train.csv", text) == line_by_line(text)
    found = read_frame_lists([tmp_path / "train.csv"])["-5KQ66BBWC4"]
    assert len(found.stretches) == 1
    assert found[-1] == "-5KQ66BBWC4/-5KQ66BBWC4_000040.jpg"


words = st.text("ab12_/.-", min_size=1, max_size=6)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=30), st.integers(1, 5))
def test_any_list(tmp_path_factory, lines, stretch):
    text = TITLE + "".join(f"{video} 0 0 {path}  0\n" for video, path in lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_lists, "STRETCH", stretch)
        patch.setattr(frame_lists, "CHUNK", 64)
        path = tmp_path_factory.getbasetemp() / "any.csv"
        assert read(path, text) == line_by_line(text)


@pytest.mark.parametrize("change", [lambda t: t.replace("\n", "\r\n"), lambda t: t[:-1]])
def test_line_ends(tmp_path, change):
    text = TITLE + usual("v", range(3))
    (tmp_path / "a.csv").write_bytes(change(text).encode())
    assert list(read_frame_lists([tmp_path / "a.csv"])["v"]) == line_by_line(text)["v"]


def test_frames_that_are_missing_or_out_of_order_stay_so(tmp_path):
    text = TITLE + usual("v", [5, 3, 4, 100]) + usual("w", [0]) + usual("v", [7])
    assert read(tmp_path / "a.csv", text) == line_by_line(text)
    frames = read_frame_lists([tmp_path / "a.csv"])["v"]
    assert frames[1:3] == ["v/v_000004.jpg", "v/v_000005.jpg"]


def test_several_lists_are_one(tmp_path):
    for name, numbers in (("a.csv", range(2)), ("b.csv", range(2, 5))):
        (tmp_path / name).write_text(TITLE + usual("v", numbers))
    found = read_frame_lists([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert [path[-5] for path in found["v"]] == list("12345")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("v 0 3 v/4.jpg\n", "row 5: 4 columns where"),
        ('v 0 3 v 4.jpg ""\n', "row 5: 6 columns where"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, said):
    with pytest.raises(InputError, match=re.escape("a.csv: ") + said):
        read(tmp_path / "a.csv", TITLE + usual("v", range(3)) + line + usual("v", range(4)))


def test_a_list_without_its_title_is_refused(tmp_path):
    """Its first frame would be passed over, and each other one be of a frame later."""
    with pytest.raises(InputError, match=re.escape("a.csv: row 1: a frame, where a title")):
        read(tmp_path / "a.csv", usual("v", range(3)))


def test_a_list_without_lines_has_no_video(tmp_path):
    assert read(tmp_path / "a.csv", TITLE) == {}


@pytest.mark.holds("13.9 bounds: what frame lists take in memory")
def test_very_many_frames_or_long_names_are_refused(tmp_path, monkeypatch):
    title = "original_vido_id video_id frame_id path labels\n"
    path = tmp_path / "list.csv"
    path.write_text(title + 'v 0 0 v/1.jpg ""\n' * 11)
    monkeypatch.setattr("ava_det.formats.frame_lists.MOST_FRAMES", 11)
    assert len(read_frame_lists([path])["v"]) == 11
    monkeypatch.setattr("ava_det.formats.frame_lists.MOST_FRAMES", 10)
    with pytest.raises(InputError, match=r"list\.csv: more than 10 frames"):
        read_frame_lists([path])
    monkeypatch.setattr("ava_det.formats.frame_lists.MOST_STRETCHES", 10)
    path.write_text(title + f'v 0 0 {"v" * 6000}/1.jpg ""\n')
    with pytest.raises(InputError, match=r"list\.csv: more than 10 paths"):
        read_frame_lists([path])
