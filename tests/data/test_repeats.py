"""Several clips of each decoded video: decoded once, augmented anew, exact on resume."""

import itertools

import numpy as np
import pytest
import torch

from ava_det.augment import spatial
from ava_det.augment.videomix import VideoMix
from ava_det.data import build
from ava_det.data.build import build_train_loader
from ava_det.data.mapper import ClipTrainMapper
from ava_det.data.sampler import Draws
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.structures import InputError, LabelledVideo

VIDEOS = 8


class Reader:
    """Noise of its own for each video, 100 frames long; remembers what was read."""

    def __init__(self):
        self.reads = []

    def times(self, path):
        return np.arange(100) / 25

    def frames(self, path, times):
        self.reads.append(path)
        first = round(float(times[0]) * 25)
        rng = np.random.default_rng((*path.encode(), first))
        return rng.integers(0, 256, (len(times), 24, 32, 3), np.uint8)


def mapper_of(repeats, transform=None):
    transform = transform or spatial.random_resized_crop(16)
    return ClipTrainMapper(Reader(), transform, frames=4, stride=2, repeats=repeats)


RECORDS = LabelledVideos([LabelledVideo(f"v{n}", f"v{n}.mp4", n % 3) for n in range(VIDEOS)])


def test_a_batch_counts_clips_and_a_video_is_decoded_once():
    mapper = mapper_of(repeats=3)
    batch = next(iter(build_train_loader(RECORDS, mapper, 12, seed=5)))
    assert batch.clips.shape == (12, 3, 4, 16, 16)
    assert len(mapper.reader.reads) == 4
    groups = [list(group) for _, group in itertools.groupby(batch.videos)]
    assert [len(group) for group in groups] == [3] * 4
    assert len(set(batch.videos)) == 4
    expected = [int(video[1]) % 3 for video in batch.videos]
    assert batch.labels.tolist() == expected


def test_the_clips_of_a_video_differ_by_their_augmentation_alone():
    record = LabelledVideo("v", "v.mp4", 0)
    plain = mapper_of(4, lambda video, boxes: (video, boxes))
    clips = plain(record, np.random.default_rng(0)).clips
    assert all(torch.equal(clip, clips[0]) for clip in clips)
    drawn = mapper_of(4)(record, np.random.default_rng(0)).clips
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(drawn, 2))


def test_the_first_clip_is_that_of_a_run_without_repeats():
    once, often = (Draws(RECORDS, mapper_of(repeats), seed=2) for repeats in (1, 3))
    for number in (0, 5, 11):
        assert torch.equal(once[number].sample.clips[0], often[number].sample.clips[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_run_has_the_same_clips(workers):
    def batches(start, count, workers=0):
        loader = build_train_loader(RECORDS, mapper_of(2), 4, 7, workers)
        loader.skip(start)
        return list(itertools.islice(loader, count))

    for a, b in zip(batches(0, 9)[5:], batches(5, 4, workers), strict=True):
        assert a.videos == b.videos
        assert torch.equal(a.clips, b.clips)


def test_processes_share_out_the_videos(monkeypatch):
    whole = next(iter(build_train_loader(RECORDS, mapper_of(2), 8, 3)))
    monkeypatch.setattr(build, "get_world_size", lambda: 2)
    parts = []
    for rank in range(2):
        monkeypatch.setattr(build, "get_rank", lambda rank=rank: rank)
        parts.append(next(iter(build_train_loader(RECORDS, mapper_of(2), 8, 3))))
    assert [len(part.clips) for part in parts] == [4, 4]
    assert whole.videos == [
        video
        for pair in zip(*(part.videos[::2] for part in parts), strict=True)
        for video in pair
        for _ in range(2)
    ]


def test_an_epoch_is_as_many_clips_as_there_are_videos():
    """So it sees every other video, twice, and the next one sees the others."""
    loader = build_train_loader(RECORDS, mapper_of(2), 4, 1)
    assert len(loader.dataset) == VIDEOS
    steps = VIDEOS // 4
    seen = [batch.videos for batch in itertools.islice(loader, 2 * steps)]
    epochs = [set(itertools.chain(*part)) for part in (seen[:steps], seen[steps:])]
    assert [len(epoch) for epoch in epochs] == [VIDEOS // 2] * 2
    assert len(epochs[0] | epochs[1]) == VIDEOS


def test_mixed_with_a_clip_of_the_same_video_the_label_stays():
    batch = next(iter(build_train_loader(RECORDS, mapper_of(2), 4, 0)))
    clips, targets = batch.clips.float(), torch.eye(3)[batch.labels]
    mix, rng = VideoMix("spatial"), np.random.default_rng(0)
    mixed, shares = mix(clips, targets, rng, permutation=[1, 0, 3, 2])
    torch.testing.assert_close(shares, targets)
    assert not torch.equal(mixed, clips)


def test_what_does_not_divide_is_refused(monkeypatch):
    monkeypatch.setattr(build, "get_world_size", lambda: 2)
    with pytest.raises(InputError, match=r"batch_size=6 does not divide by 2 .* 2 clips of a"):
        build_train_loader(RECORDS, mapper_of(2), 6, 0)
    with pytest.raises(InputError, match="repeats=0"):
        mapper_of(0)
