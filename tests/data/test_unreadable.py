"""Broken and missing videos: replaced by draw number alone, listed once, too many an error."""

import csv
import itertools

import pytest
import torch

from ava_det.batch import ClipBatch
from ava_det.data.build import build_test_loader, build_train_loader
from ava_det.data.mapper import ClipTrainMapper, PeopleTestMapper
from ava_det.data.sampler import Draws
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.data.unreadable import UnreadableList
from ava_det.structures import InputError, LabelledVideo, UnreadableVideo

BROKEN = {"v3", "v11", "v12"}
VIDEOS = [LabelledVideo(f"v{n}", f"{n}.mp4", n) for n in range(30)]
RECORDS = LabelledVideos(VIDEOS)


def sample_of(record, *drawn):
    if record.video in BROKEN:
        raise InputError(f"{record.path}: broken")
    return ClipBatch(torch.tensor([drawn]), torch.tensor([record.label]), [record.video])


class DrawnNumbers(ClipTrainMapper):
    """A mapper of training whose clips are two numbers that it draws."""

    def __init__(self):
        self.repeats = 1

    def __call__(self, record, rng):
        return sample_of(record, rng.random(), float(torch.rand(())))


class Zeros(PeopleTestMapper):
    """A mapper of testing whose clips are zeros."""

    collate = staticmethod(ClipBatch.join)

    def __init__(self):
        pass

    def __call__(self, item):
        return sample_of(item, 0.0, 0.0)


mapper = DrawnNumbers()


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_replacement_depends_on_the_number_of_the_draw_alone(tmp_path, workers):
    listed = tmp_path / "run" / "unreadable.csv"

    def batches(start, count, workers=0):
        loader = build_train_loader(
            RECORDS, mapper, 4, 7, workers, max_unreadable=0.2, unreadable_list=listed
        )
        loader.skip(start)
        return list(itertools.islice(loader, count))

    whole = batches(0, 20)
    later = batches(8, 12, workers)  # resumed, and by other processes
    for a, b in zip(whole[8:], later, strict=True):
        assert a.videos == b.videos
        torch.testing.assert_close(a.clips, b.clips, rtol=0, atol=0)
    assert {len(batch) for batch in whole} == {4}
    seen = {video for batch in whole for video in batch.videos}
    assert not seen & BROKEN
    assert seen == {item.video for item in VIDEOS} - BROKEN
    head, *rows = rows_of(listed)
    assert head == ["path", "video", "reason"]
    assert {row[1] for row in rows} == BROKEN
    assert len(rows) == 3


def test_what_is_readable_is_drawn_as_without_broken_ones():
    """A broken video moves no other draw."""
    draws = Draws(VIDEOS, mapper, seed=1)
    others = Draws(VIDEOS, lambda record, rng: record.video, seed=1)
    for index in range(60):
        sample, plain = draws[index].sample, others[index].sample
        replaced = bool(draws[index].unreadable)
        assert replaced == (plain in BROKEN)
        if not replaced:
            assert sample.videos == [plain]


class Broken(DrawnNumbers):
    def __call__(self, record, rng):
        raise InputError(f"{record.path}: No such file")


def test_nothing_readable_ends_with_one_line():
    loader = build_train_loader(RECORDS, Broken(), 4, 0, max_unreadable=0.3)
    with pytest.raises(InputError, match=r"No such file: \d+ of 30 videos .*than 30 %"):
        next(iter(loader))


def test_by_default_one_is_too_many():
    loader = build_train_loader(RECORDS, mapper, 4, 0, num_workers=1)
    with pytest.raises(InputError, match=r"^(3|11|12)\.mp4: broken$"):
        list(itertools.islice(loader, 20))


def test_a_test_goes_on_without_them():
    loader = build_test_loader(RECORDS, Zeros(), 1, max_unreadable=0.1)
    batches = list(loader)
    assert len(batches) == 30
    assert sum(map(len, batches)) == 27
    assert {video.video for batch in batches for video in batch.unreadable} == BROKEN
    with pytest.raises(InputError, match="3 of 30 videos cannot be read, more than 9 %"):
        list(build_test_loader(RECORDS, Zeros(), 1, max_unreadable=0.09))


def video(n: int) -> UnreadableVideo:
    return UnreadableVideo(f"v{n}", f"a, {n}.mp4", "said:\n no")


def test_several_processes_share_a_list(tmp_path):
    path = tmp_path / "list.csv"
    one, other = UnreadableList(10, 0.3, path), UnreadableList(10, 0.3, path)
    one.add([video(1), video(1)])
    other.add([video(2)])
    one.add([video(3), video(1)])
    with pytest.raises(InputError, match=r"4 of 10 .*all are listed in"):
        other.add([video(4)])
    assert [row[0] for row in rows_of(path)[1:]] == [f"a, {n}.mp4" for n in (1, 2, 3, 4)]
    with pytest.raises(InputError, match="5 of 10"):
        UnreadableList(10, 0.3, path).add([video(5)])  # a resumed run


def test_half_a_row_of_a_killed_process_is_no_harm(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("path,video,reason\na.mp4,a,gone\nb.m")
    UnreadableList(4, 0.5, path).add([video(1)])
    with pytest.raises(InputError, match="3 of 4"):
        UnreadableList(4, 0.5, path).add([video(2)])
    assert [row[0] for row in rows_of(path)] == ["path", "a.mp4", "b.m", "a, 1.mp4", "a, 2.mp4"]
