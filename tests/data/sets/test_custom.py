"""A data set by the path of its description."""

import logging
import shutil

import cv2
import made_videos as made
import numpy as np
import pytest

from ava_det.data.proposals import with_unlisted
from ava_det.data.sets.catalog import get_dataset
from ava_det.data.sets.description import read_description
from ava_det.data.sets.keyframes import Keyframes
from ava_det.structures import Clock, InputError, Keyframe
from ava_det.video.writer import VideoWriter

GOOD = 'annotations = "a.csv"\nclass_map = "c.pbtxt"\nvideos = "v"\nrate = 5\nstart = 100\n'


@pytest.fixture
def folder(tmp_path):
    """One film of 10 frames, a second long in all."""
    (tmp_path / "v" / "day1").mkdir(parents=True)
    with VideoWriter(
        tmp_path / "v" / "day1" / "film.mp4", height=32, width=48, rate=10, threads=1
    ) as writer:
        for _ in range(10):
            writer.write(np.zeros((32, 48, 3), np.uint8))
    (tmp_path / "a.csv").write_text(
        "day1/film,100,0.1,0.2,0.3,0.4,2,7\nday1/film,100,0.1,0.2,0.3,0.4,1,7\nday1/film,104\n"
    )
    (tmp_path / "c.pbtxt").write_text(
        'label { name: "sit" label_id: 1 }\nlabel { name: "wave" label_id: 2 }\n'
    )
    return tmp_path


def described(folder, text) -> str:
    path = folder / "data.toml"
    path.write_text(text)
    return str(path)


def test_its_path_is_its_name(folder):
    name = described(folder, GOOD)
    first, second = get_dataset(name).keyframes()
    assert first.path == str(folder / "v" / "day1" / "film.mp4")
    assert first.people.keyframe == Keyframe("day1/film", 100)
    assert first.people.actions == ((2, 1),)
    assert len(second.people.boxes) == 0
    assert get_dataset(name).class_map().names == {1: "sit", 2: "wave"}
    assert read_description(folder / "data.toml").clock == Clock(5, 100)


def test_a_tick_at_the_very_end_is_the_last_frame(folder):
    records = get_dataset(described(folder, GOOD.replace("start = 100", "start = 99"))).keyframes()
    assert [record.people.keyframe.tick for record in records] == [100, 104]  # 104 is at 1.0 s


@pytest.mark.parametrize(("clock", "count"), [("", 10), ("rate = 5\n", 5)])
def test_without_annotations_every_tick_counts(folder, clock, count):
    records = get_dataset(described(folder, f'videos = "v"\n{clock}')).keyframes()
    assert [record.people.keyframe.tick for record in records] == list(range(count))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("videos =", "not TOML"),
        ("", "does not say where the videos are"),
        ('videos = "v"\nfps = 3', "'fps' is unknown; known keys are annotations, class_map"),
        ("videos = 3", "videos is 3, not of str"),
        ('videos = "v"\nrate = true', "rate is True, not of int or float"),
        ('videos = "v"\nrate = 0', "rate is 0, not a number of ticks a second"),
        ('videos = "v"\nrate = nan', "rate is nan"),
        (GOOD.replace('"v"', '"w"'), "data.toml: videos names .*/w, which is no folder"),
        (GOOD.replace('"v"', '"empty"'), "empty: has no video"),
        (GOOD.replace("start = 100", "start = 90"), r"no keyframe is left; left out: 2 of 2 keyf"),
        (GOOD.replace('"v"', '"torn"'), r"left; left out: 1 of 1 videos \(.*film\.mp4: not a read"),
        ('videos = "torn"', r"data\.toml: no keyframe is left; left out: 1 of 1 videos"),
        (GOOD.replace('"v"', '"v/day1"'), "all videos are missing, such as 'day1/film'"),
        (GOOD.replace("a.csv", "b.csv"), r"b\.csv: row 1: "),
        (
            GOOD.replace("a.csv", "no.csv"),
            r"data.toml: annotations names .*no\.csv, which is no file",
        ),
        (GOOD + 'excluded = "no.csv"', r"data.toml: excluded names .*no\.csv, which is no file"),
        (GOOD + 'included = "none.txt"', r"a\.csv: every keyframe is excluded, or not incl"),
        (GOOD + 'included = "a.csv"', r"a\.csv: row 1: tick is not a number"),
        (GOOD + 'evaluated = "no.pbtxt"', r"toml: evaluated names .*no\.pbtxt, which is"),
        (GOOD + 'evaluated = "d.pbtxt"', r"d\.pbtxt: class 2, 'hop', is none of .*c\.pbtxt"),
        ('videos = "v"\nevaluated = "c.pbtxt"', "evaluated needs class_map, which is missing"),
        ('videos = "v"\nexcluded = "a.csv"', "excluded needs annotations, which is missing"),
        ('videos = "v"\nframe_rate = 3', "frame_rate needs frames, which is missing"),
        ('frames = "f"', "frames needs frame_lists, which is missing"),
        ('frames = "f"\nframe_lists = []', "frame_lists is \\[\\], not one or more names"),
        ('frames = "f"\nframe_lists = [3]', "frame_lists is \\[3\\], not one or more names"),
        ('frames = "f"\nframe_lists = "l"\nframe_rate = -1', "frame_rate is -1, not a number"),
        (GOOD.replace('"v"', '"/dev/zero"'), r"data.toml: videos names /dev/zero, which is no f"),
        (GOOD.replace("a.csv", "/dev/zero"), r"data.toml: annotations names /dev/zero, which is"),
        ('frames = "f"\nframe_lists = "l"', "data.toml: frame_lists names .*/l, which is no file"),
        (GOOD + 'frames = "f"\nframe_lists = "l"', "has both videos and frames"),
        ('videos = "v"\nsizes = "a.csv"', "sizes needs annotations, which is missing"),
        ('videos = "v\\u0000"', "videos is 'v.x00', which is no valid file name"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, text, message):
    (folder / "empty").mkdir()
    (folder / "b.csv").write_text("day1/film,100,0.1,0.2,x,0.4,2,7\n")
    (folder / "none.txt").write_text("7\n")
    (folder / "d.pbtxt").write_text('label { name: "hop" label_id: 2 }\n')
    (folder / "torn" / "day1").mkdir(parents=True)
    (folder / "torn" / "day1" / "film.mp4").write_bytes(b"nothing")
    with pytest.raises(InputError, match=message) as error:
        get_dataset(described(folder, text)).keyframes()
    assert "\n" not in str(error.value)


@pytest.mark.holds("13.9 bounds: numbers of a description")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'videos = "v"\nrate = 1e9',
            r"no keyframe is left; .*film\.mp4: has 10 frames in 1 s, too few",
        ),
        ('videos = "v"\nrate = 1e10', "rate is 10000000000.0, not a number of ticks a second"),
        ('videos = "v"\nrate = 1e-9', "rate is 1e-09, not a number of ticks a second"),
        (f'videos = "v"\nrate = 1{"0" * 400}', "rate is 1000.*, not a number of ticks a second"),
        (f'videos = "v"\nrate = 1{"0" * 5000}', "not TOML"),
        (f'videos = "v"\nstart = {"9" * 26}', "start is 9{26}, too large for a tick"),
        (f'videos = "v"\nstart = 0x{"f" * 5000}', "Exceeds the limit"),
        (GOOD.replace("start = 100", f"start = -{'9' * 26}"), "start is -9{26}, too large"),
        (f"videos = {'[' * 100_000}", "not TOML"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_at_once(folder, text, message):
    with pytest.raises(InputError, match=rf"data\.toml: .*{message}") as error:
        get_dataset(described(folder, text)).keyframes()
    assert "\n" not in str(error.value)


def test_two_files_of_one_name_are_refused(folder):
    (folder / "v" / "day1" / "film.avi").touch()
    with pytest.raises(InputError, match=r"film\.mp4: film\.avi beside it has the same name"):
        get_dataset(described(folder, GOOD)).keyframes()


def ticks_of(name) -> list[tuple[str, int]]:
    keyframes = [record.people.keyframe for record in get_dataset(name).keyframes()]
    return [(keyframe.video, keyframe.tick) for keyframe in keyframes]


@pytest.mark.parametrize("start", [98, 101])
def test_ticks_outside_of_a_video_are_left_out_and_said(folder, caplog, start):
    name = described(folder, GOOD.replace("start = 100", f"start = {start}"))
    inside, outside = (100, 104) if start == 98 else (104, 100)
    assert ticks_of(name) == [("day1/film", inside)]
    film = folder / "v" / "day1" / "film.mp4"
    (said,) = caplog.messages
    assert f"left out: 1 of 2 keyframes (tick {outside} is outside {film})" in said


def test_frames_outside_of_a_video_are_left_out(folder):
    rows = [f"day1/film,{tick},0.1,0.2,0.3,0.4,1\n" for tick in (-1, 0, 9, 10)]
    (folder / "a.csv").write_text("".join(rows))
    name = described(folder, 'annotations = "a.csv"\nclass_map = "c.pbtxt"\nvideos = "v"\n')
    assert ticks_of(name) == [("day1/film", 0), ("day1/film", 9)]


def test_videos_that_are_missing_or_broken_are_left_out_and_said(folder, caplog):
    with open(folder / "a.csv", "a") as file:
        for name in ("day2/film", "gone", "._film", "day1/film"):
            file.write(f"{name},101,0.1,0.2,0.3,0.4,2,7\n")
    (folder / "v" / "day2").mkdir()
    (folder / "v" / "day2" / "film.avi").write_bytes(b"nothing")
    (folder / "v" / "._film.mp4").write_bytes(b"of macOS")
    with caplog.at_level(logging.WARNING):
        name = described(folder, GOOD)
        assert ticks_of(name) == [("day1/film", tick) for tick in (100, 104, 101)]
    missing, broken = caplog.messages
    assert "2 of 4 videos are missing and left out, gone first" in missing
    assert "left out: 1 of 2 videos (" in broken
    assert f"{folder / 'v' / 'day2' / 'film.avi'}: not a readable video" in broken
    assert set(get_dataset(name).ground_truth()["video"]) == {"day1/film"}
    (folder / "all.toml").write_text('videos = "v"')
    assert ticks_of(str(folder / "all.toml")) == [("day1/film", tick) for tick in range(10)]
    assert caplog.messages[-1].startswith(f"{folder / 'all.toml'}: left out: 1 of 2 videos (")


def test_a_video_that_is_cut_short_is_left_out_and_said(folder, caplog):
    """Whole: clips around its last ticks would reach into what is gone, and end the run."""
    path = made.encode(folder / "v" / "torn.mp4", container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:3000])
    with open(folder / "a.csv", "a") as file:
        file.write("torn,100,0.1,0.2,0.3,0.4,2,7\ntorn,115,0.1,0.2,0.3,0.4,2,7\n")
    assert ticks_of(described(folder, GOOD)) == [("day1/film", tick) for tick in (100, 104)]
    (said,) = caplog.messages
    assert f"left out: 1 of 2 videos ({path}: the file is cut short: " in said
    (folder / "all.toml").write_text('videos = "v"')
    assert ticks_of(str(folder / "all.toml")) == [("day1/film", tick) for tick in range(10)]
    assert "torn.mp4: the file is cut short" in caplog.messages[-1]


def test_it_is_packed(folder):
    assert isinstance(get_dataset(described(folder, GOOD)).keyframes(), Keyframes)


MORE = """excluded = "excluded.csv"
included = "included.txt"
evaluated = "counted.pbtxt"
"""


@pytest.fixture
def limited(folder):
    """What counts: ticks 100, 102 and 104, but for 104 of the film; and "wave" alone."""
    (folder / "excluded.csv").write_text("day1/film,0104\nother,100\n")
    (folder / "included.txt").write_text("100\n102\n104\n")
    (folder / "counted.pbtxt").write_text('label { name: "wave" label_id: 2 }\n')
    rows = [f"day1/film,{tick},0.1,0.2,0.3,0.4,{1 + tick % 2}\n" for tick in range(100, 105)]
    (folder / "a.csv").write_text("".join(rows) + "day1/film,100,0.5,0.2,0.9,0.4,2\n")
    return folder


def test_exclusions_included_ticks_and_evaluated_classes(limited):
    name = described(limited, GOOD + MORE)
    truth = get_dataset(name).ground_truth()
    assert truth["tick"].tolist() == [100, 100, 102]
    assert truth["action"].tolist() == [1, 2, 1]
    assert get_dataset(name).class_map().names == {1: "sit", 2: "wave"}
    assert get_dataset(name).evaluated_classes().names == {2: "wave"}
    boxes = truth.assign(tick=[102, 103, 104])  # 103 is not included, 104 excluded
    more = with_unlisted(get_dataset(name).keyframes()[:1], boxes, get_dataset(name))
    assert [keyframe.people.keyframe.tick for keyframe in more] == [100, 102]


@pytest.mark.parametrize("text", [GOOD, 'videos = "v"\nrate = 10\nstart = 100\n'])
def test_boxes_outside_of_their_video_are_no_keyframes(folder, text):
    """`unlisted` makes keyframes of boxes; a video with one at its end would not be readable."""
    name = described(folder, text)
    records = get_dataset(name).keyframes()[:1]
    assert records[0].people.keyframe == Keyframe("day1/film", 100)
    boxes = get_dataset(name).ground_truth().iloc[[0] * 4].assign(tick=[99, 104, 112, 999])
    more = with_unlisted(records, boxes, get_dataset(name))
    assert [keyframe.people.keyframe.tick for keyframe in more] == [100, 104]


def test_without_them_all_counts(limited):
    name = described(limited, GOOD)
    assert sorted(set(get_dataset(name).ground_truth()["tick"])) == [100, 101, 102, 103, 104]
    assert get_dataset(name).evaluated_classes().names == {1: "sit", 2: "wave"}


@pytest.fixture
def frames(folder):
    """The film as frames, ten a second, each of its own brightness, in two lists."""
    title = "original_vido_id video_id frame_id path labels\n"
    for video in ("film", "other"):
        (folder / "f" / video).mkdir(parents=True)
        lines = []
        for k in range(10):
            path = f"{video}/{k + 1:06d}.jpg"
            cv2.imwrite(str(folder / "f" / path), np.full((32, 48, 3), 20 * k, np.uint8))
            lines.append(f'{video} 0 {k} {path} ""\n')
        (folder / f"{video}.csv").write_text(title + "".join(lines))
    (folder / "a.csv").write_text(
        "film,100,0.1,0.2,0.3,0.4,2\nfilm,102,0.1,0.2,0.3,0.4,1\nother,109,0.1,0.2,0.3,0.4,1\n"
    )
    return folder


FRAMES = """annotations = "a.csv"
class_map = "c.pbtxt"
frames = "f"
frame_lists = ["film.csv", "other.csv"]
frame_rate = 10
rate = 5
start = 100
"""


def test_frames_in_place_of_videos(frames, caplog):
    name = described(frames, FRAMES)
    assert ticks_of(name) == [("film", 100), ("film", 102)]
    assert "left out: 1 of 3 keyframes (tick 109 is outside" in caplog.text
    reader, record = get_dataset(name).reader(), get_dataset(name).keyframes()[1]
    time = Clock(5, 100).seconds(record.people.keyframe.tick)
    picture = reader.frames(record.path, np.array([time]))
    assert abs(int(picture.mean()) - 80) < 3  # frame 4, at 0.4 s


def test_one_list_without_annotations_is_every_frame(frames):
    name = described(frames, 'frames = "f"\nframe_lists = "film.csv"\n')
    assert ticks_of(name) == [("film", tick) for tick in range(10)]


def test_a_film_of_either_of_two_folders_is_its_own(folder):
    (folder / "v" / "day2").mkdir()
    shutil.copy(folder / "v" / "day1" / "film.mp4", folder / "v" / "day2" / "film.mp4")
    (folder / "a.csv").write_text("day2/film,100,0.1,0.2,0.3,0.4,2,7\n")
    (record,) = get_dataset(described(folder, GOOD)).keyframes()
    assert record.path == str(folder / "v" / "day2" / "film.mp4")


def test_a_description_that_does_not_exist_gets_the_nearest(tmp_path):
    (tmp_path / "data.toml").touch()
    hint = rf"dta\.toml: no such file \(did you mean {tmp_path}/data\.toml\?\)"
    with pytest.raises(InputError, match=hint):
        get_dataset(str(tmp_path / "dta.toml"))
