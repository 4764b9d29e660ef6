"""ava_det.video.facts: what a file holds, by its header and by its packets."""

from fractions import Fraction
from pathlib import Path

import made_videos as made
import numpy as np
import pytest
from numbered import write_numbered

from ava_det.structures import FRAME_CLOCK, Clock, InputError, Keyframe
from ava_det.video import facts as video_facts
from ava_det.video.facts import Facts, file_facts, header_facts, require_whole
from ava_det.video.files import VideoFolder
from ava_det.video.video import Video

FRONT = {"movflags": "faststart"}  # the table of all packets comes before them
MOVES = [
    ("a.mp4", "libx264", FRONT),
    ("a.mov", "libx264", FRONT),
    ("a.mp4", "libx264", {"movflags": "+frag_keyframe+empty_moov"}),
    ("a.mkv", "libx264", {}),
    ("a.webm", "libvpx-vp9", {}),
]


def shortened(path: Path, share: float) -> Path:
    """The first bytes of a file, under another name."""
    data = path.read_bytes()
    short = path.with_name(f"short{path.suffix}")
    short.write_bytes(data[: round(len(data) * share)])
    return short


@pytest.mark.parametrize(("name", "codec", "container"), MOVES)
def test_a_file_that_is_cut_short(tmp_path, name, codec, container):
    whole = made.encode(tmp_path / name, codec, container=container)
    for facts in (header_facts(whole), file_facts(whole)):
        assert (facts.frames, facts.cut_short) == (40, False)
        assert require_whole(whole, facts) is facts
    short = shortened(whole, 0.6)
    with Video(short) as video:
        there = video.index.packets < len(video.index.shown)
        times = video.frame_times[there]
        last = video.frames(times[-3:-2])  # one that is there indeed
    assert last.shape == (1, 48, 64, 3)
    for facts in (header_facts(short), file_facts(short)):
        assert facts.cut_short
        assert facts.frames == len(times) < 30
        assert facts.seconds == pytest.approx(times[-1] + 1 / 25)
        with pytest.raises(InputError, match=rf"{short.name}: the file is cut short: {len(times)}"):
            require_whole(short, facts)


def test_ticks_end_where_the_file_does(tmp_path):
    short = shortened(made.encode(tmp_path / "a.mp4", container=FRONT), 0.6)
    facts = file_facts(short)
    ticks = np.array([0, facts.frames - 1, facts.frames, 39])
    assert facts.outside(ticks, FRAME_CLOCK).tolist() == [False, False, True, True]
    assert facts.outside(np.array([0, 15]), Clock(10.0, 0)).tolist() == [False, True]
    assert len(facts.ticks(FRAME_CLOCK)) == facts.frames
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(InputError, match=r"there is no frame 39 in .*short\.mp4, which has 0 to"):
        VideoFolder(tmp_path).require_inside("rows", [Keyframe("short", 39)], FRAME_CLOCK)


def test_a_header_that_tells_all_is_all_that_is_read(tmp_path, monkeypatch):
    whole = made.encode(tmp_path / "a.mp4", container=FRONT)
    monkeypatch.setattr(video_facts, "Video", None)
    assert header_facts(whole, count=True) == Facts(1.6, 40, 25.0, (64, 48), displayed=(64, 48))


def test_a_matroska_file_of_unknown_length_is_whole(tmp_path):
    """As one is that was written to a pipe, or by a program that was killed."""
    whole = made.encode(tmp_path / "a.mkv", container={"live": "1"})
    assert not file_facts(whole).cut_short


@pytest.mark.parametrize(("name", "codec"), [("film.mkv", "libx264"), ("film.avi", "mpeg4")])
def test_a_header_of_another_container(tmp_path, name, codec):
    facts = header_facts(write_numbered(tmp_path / name, 100, Fraction(25), codec))
    assert facts.seconds == pytest.approx(4.0, abs=0.1)


def test_a_header_of_no_video(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"not a film")
    with pytest.raises(InputError, match=r"film\.mp4: not a readable video"):
        header_facts(tmp_path / "film.mp4")


@pytest.mark.holds("13.9 bounds: gaps between time stamps")
def test_ticks_are_bounded_by_the_frames():
    assert len(Facts(1e2, 12, 0.12, None).ticks(Clock(1.0))) <= 10 * 13
    with pytest.raises(ValueError, match=r"has 12 frames in 10000 s, too few for a rate of 1"):
        Facts(1e4, 12, 12e-4, None).ticks(Clock(1.0))
    with pytest.raises(ValueError, match=r"has 12 frames in 1e\+08 s, too few for a rate of 30"):
        Facts(1e8, 12, 25.0, None).ticks(Clock(30.0))
