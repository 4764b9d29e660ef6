"""A data set by the path of its description."""

import numpy as np
import pytest

from ava_det.data.build import get_class_map, get_records
from ava_det.data.catalog import check_known
from ava_det.data.custom import read_description
from ava_det.data.video_writer import VideoWriter
from ava_det.structures import Clock, InputError, Keyframe

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
    first, second = get_records(name)
    assert first.path == str(folder / "v" / "day1" / "film.mp4")
    assert first.people.keyframe == Keyframe("day1/film", 100)
    assert first.people.actions == ((2, 1),)
    assert len(second.people.boxes) == 0
    assert get_class_map(name).names == {1: "sit", 2: "wave"}
    assert read_description(folder / "data.toml").clock == Clock(5, 100)


def test_a_tick_at_the_very_end_is_the_last_frame(folder):
    records = get_records(described(folder, GOOD.replace("start = 100", "start = 99")))
    assert [record.people.keyframe.tick for record in records] == [100, 104]  # 104 is at 1.0 s


@pytest.mark.parametrize(("clock", "count"), [("", 10), ("rate = 5\n", 5)])
def test_without_annotations_every_tick_counts(folder, clock, count):
    records = get_records(described(folder, f'videos = "v"\n{clock}'))
    assert [record.people.keyframe.tick for record in records] == list(range(count))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("videos =", "not TOML"),
        ("", "does not say where the videos are"),
        ('videos = "v"\nfps = 3', "'fps' is unknown; it takes annotations, class_map"),
        ("videos = 3", "videos is 3, not of str"),
        ('videos = "v"\nrate = true', "rate is True, not of int or float"),
        ('videos = "v"\nrate = 0', "rate is 0, not a number of ticks a second"),
        ('videos = "v"\nrate = nan', "rate is nan"),
        (GOOD.replace('"v"', '"w"'), "w: no such folder of videos"),
        (GOOD.replace('"v"', '"empty"'), "empty: has no video"),
        (GOOD.replace("start = 100", "start = 98"), "tick 104 is outside"),
        (GOOD.replace("start = 100", "start = 101"), "tick 100 is outside"),
        (GOOD.replace('"v"', '"v/day1"'), "video 'day1/film' is not in"),
        (GOOD.replace("a.csv", "b.csv"), r"b\.csv: row 1: "),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, text, message):
    (folder / "empty").mkdir()
    (folder / "b.csv").write_text("day1/film,100,0.1,0.2,x,0.4,2,7\n")
    with pytest.raises(InputError, match=message) as error:
        get_records(check_known(described(folder, text)))
    assert "\n" not in str(error.value)


def test_two_files_of_one_name_are_refused(folder):
    (folder / "v" / "day1" / "film.avi").touch()
    with pytest.raises(InputError, match=r"film\.mp4: film\.avi beside it has the same name"):
        get_records(described(folder, GOOD))
