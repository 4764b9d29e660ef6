"""From records of real clips to samples and batches."""

import numpy as np
import pytest
import torch

from ava_det.augment import spatial
from ava_det.batch import PeopleBatch
from ava_det.data.mapper import (
    ClipTestMapper,
    ClipTrainMapper,
    PeopleTestMapper,
    PeopleTrainMapper,
    square_crops,
)
from ava_det.data.sets import jhmdb
from ava_det.formats.class_map import ClassMap
from ava_det.structures import (
    FRAME_CLOCK,
    GREY,
    AnnotatedKeyframe,
    Clock,
    InputError,
    Keyframe,
    LabelledVideo,
    PersonBoxes,
)
from ava_det.video.video import VideoReader

VIDEO = "clap/Boom_Snap_Clap_clap_u_nm_np1_fr_med_0"


def unchanged(video, boxes):
    return video, boxes


@pytest.fixture
def path(shared):
    return str(shared / "data" / "jhmdb" / "videos" / f"{VIDEO}.mp4")


@pytest.fixture
def reader():
    return VideoReader()


def people(tick: int, *rows: tuple[float, float, float, float]) -> PersonBoxes:
    n = len(rows)
    return PersonBoxes(
        keyframe=Keyframe(VIDEO, tick),
        boxes=np.array(rows, np.float64).reshape(-1, 4),
        actions=((3, 7),) * n,
        scores=np.ones(n),
        person_ids=np.arange(n),
    )


CLASSES = ClassMap({3: "clap", 5: "wave", 7: "stand"})


def test_a_detection_sample_is_the_clip_around_the_keyframe(path, reader):
    mapper = PeopleTestMapper(reader, unchanged, CLASSES, FRAME_CLOCK, frames=4, stride=2)
    sample = mapper(AnnotatedKeyframe(path, people(5, (0.25, 0.5, 0.75, 1.0))))
    times = reader.times(path)
    expected = reader.frames(path, times[[1, 3, 5, 7]])
    assert sample.clips.shape == (1, 3, 4, 240, 320)
    assert sample.sizes == [(240, 320)]
    np.testing.assert_array_equal(sample.clips[0].permute(1, 2, 3, 0).numpy(), expected)
    torch.testing.assert_close(sample.boxes[0], torch.tensor([[80.0, 120, 240, 240]]))
    assert sample.targets[0].tolist() == [[1, 0, 1]]


def test_stride_zero_repeats_the_keyframe(path, reader):
    mapper = PeopleTestMapper(reader, unchanged, CLASSES, FRAME_CLOCK, frames=4, stride=0)
    clip = mapper(AnnotatedKeyframe(path, people(5))).clips[0]
    expected = torch.from_numpy(reader.frames(path, reader.times(path)[[5]])).permute(3, 0, 1, 2)
    assert torch.equal(clip, expected.expand_as(clip))


def test_a_tick_beyond_the_frames_of_a_file_is_one_line(path, reader):
    mapper = PeopleTestMapper(reader, unchanged, CLASSES, FRAME_CLOCK, frames=1, stride=1)
    with pytest.raises(InputError, match=r"tick 999: frame 999 of \d+"):
        mapper(AnnotatedKeyframe(path, people(999)))


def test_the_clock_decides_when_a_tick_is(path, reader):
    by_frame = PeopleTestMapper(reader, unchanged, CLASSES, FRAME_CLOCK, frames=1, stride=1)
    frame = int(np.abs(reader.times(path) - 0.5).argmin())
    by_half_second = PeopleTestMapper(
        reader, unchanged, CLASSES, Clock(rate=2.0, start=10), frames=1, stride=1
    )
    one = by_frame(AnnotatedKeyframe(path, people(frame))).clips
    other = by_half_second(AnnotatedKeyframe(path, people(11))).clips
    assert torch.equal(one, other)


def test_people_cut_away_are_dropped_in_training_only(path, reader):
    given = reader, spatial.center_crop(120), CLASSES, FRAME_CLOCK, 2, 1
    record = AnnotatedKeyframe(path, people(5, (0.0, 0.2, 0.1, 0.6), (0.3, 0.2, 0.6, 0.8)))
    trained = PeopleTrainMapper(*given)(record, np.random.default_rng(0))
    assert len(trained.boxes[0]) == len(trained.targets[0]) == 1
    tested = PeopleTestMapper(*given)(record)
    assert len(tested.boxes[0]) == len(tested.targets[0]) == 2
    assert torch.equal(trained.boxes[0], tested.boxes[0][1:])


def test_batches_pad_below_and_to_the_right():
    clips = [torch.full((3, 2, 8, 10), 1, dtype=torch.uint8), torch.full((3, 2, 6, 12), 2)]
    samples = [
        PeopleBatch(
            clip.byte()[None],
            [tuple(clip.shape[-2:])],
            [torch.ones(n, 4)],
            [torch.ones(n, 3)],
            [PersonBoxes.nobody(Keyframe(VIDEO, n))],
        )
        for n, clip in enumerate(clips)
    ]
    batch = PeopleTestMapper.collate(samples, ["gone"])
    assert (len(batch), batch.unreadable, batch.sizes) == (2, ["gone"], [(8, 10), (6, 12)])
    assert batch.clips.shape == (2, 3, 2, 8, 12)
    assert torch.equal(batch.clips[0, :, :, :, :10], clips[0])
    assert (batch.clips[0, :, :, :, 10:] == GREY).all()
    assert (batch.clips[1, :, :, 6:] == GREY).all()
    assert [len(boxes) for boxes in batch.boxes] == [0, 1]
    assert [people.keyframe.tick for people in batch.people] == [0, 1]


@pytest.mark.parametrize("mapper", [ClipTestMapper, PeopleTestMapper])
def test_a_batch_of_nothing(mapper):
    batch = mapper.collate([], ["gone"])
    assert (len(batch), batch.unreadable) == (0, ["gone"])
    assert batch.clips.dtype == torch.uint8


def test_recognition_draws_from_a_window_and_tests_in_the_middle(path, reader):
    mapper = ClipTrainMapper(reader, unchanged, frames=4, stride=2, window=16)
    record = LabelledVideo(VIDEO, path, 2)
    seen = set()
    frames = len(reader.times(path))
    everything = reader.frames(path, reader.times(path))
    for seed in range(12):
        sample = mapper(record, np.random.default_rng(seed))
        clip = sample.clips[0].permute(1, 2, 3, 0).numpy()
        index = [int((everything == frame).all((1, 2, 3)).argmax()) for frame in clip]
        assert np.diff(index).tolist() == [2, 2, 2]
        seen.add(index[0])
    assert len(seen) > 4
    tested = ClipTestMapper(reader, unchanged, frames=4, stride=2)
    middle = tested(tested.items([record])[0]).clips[0].permute(1, 2, 3, 0).numpy()
    np.testing.assert_array_equal(middle[0], everything[(frames - 8) // 2])
    batch = mapper.collate([sample, sample])
    assert batch.clips.shape == (2, 3, 4, 240, 320)
    assert batch.labels.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("height", "width", "places"),
    [(4, 9, [(0, 0), (0, 3), (0, 5)]), (7, 4, [(0, 0), (2, 0), (3, 0)]), (4, 4, [(0, 0)] * 3)],
)
def test_crops_stand_at_the_ends_and_in_the_middle(height, width, places):
    """The middle one is rounded up, as in PySlowFast's `uniform_crop`."""
    video = torch.arange(2 * 3 * height * width).reshape(2, 3, height, width)
    crops = square_crops(video, 3)
    assert crops.shape == (3, 2, 3, 4, 4)
    for crop, (y, x) in zip(crops, places, strict=True):
        assert torch.equal(crop, video[..., y : y + 4, x : x + 4])
    assert torch.equal(square_crops(video, 1), crops[1:2])
    assert torch.equal(square_crops(video, 2), crops[::2])
    assert torch.equal(square_crops(video, 5)[::2], crops)


def test_the_clips_of_a_test_go_from_the_first_frame_to_the_last(path, reader):
    mapper = ClipTestMapper(reader, unchanged, frames=4, stride=2, clips=3, crops=3)
    record = LabelledVideo(VIDEO, path, 2)
    frames = len(reader.times(path))
    everything = reader.frames(path, reader.times(path))
    starts = 0, (frames - 8) // 2, frames - 8
    for item, start in zip(mapper.items([record]), starts, strict=True):
        sample = mapper(item)
        left, middle, right = sample.clips.permute(0, 2, 3, 4, 1).numpy()
        expected = everything[start : start + 8 : 2]
        np.testing.assert_array_equal(left, expected[:, :, :240])
        np.testing.assert_array_equal(middle, expected[:, :, 40:280])
        np.testing.assert_array_equal(right, expected[:, :, 80:])
    batch = mapper.collate([sample, sample])
    assert batch.clips.shape == (6, 3, 4, 240, 240)
    assert batch.videos == [VIDEO] * 6


def test_segments_take_the_centre_of_each_part(path, reader):
    settings = dict(frames=4, stride=9, segments=True)
    tested, drawing = (
        kind(reader, unchanged, **settings) for kind in (ClipTestMapper, ClipTrainMapper)
    )
    record = LabelledVideo(VIDEO, path, 2)
    times = reader.times(path)
    part = len(times) / 4
    centres = [int((k + 0.5) * part) for k in range(4)]
    middle = tested(tested.items([record])[0]).clips[0].permute(1, 2, 3, 0).numpy()
    np.testing.assert_array_equal(middle, reader.frames(path, times[centres]))
    everything = reader.frames(path, times)
    drawn = set()
    for seed in range(10):
        clip = drawing(record, np.random.default_rng(seed)).clips[0].permute(1, 2, 3, 0).numpy()
        index = [int((everything == frame).all((1, 2, 3)).argmax()) for frame in clip]
        assert [int(k / part) for k in index] == [0, 1, 2, 3]
        drawn.add(tuple(index))
    assert len(drawn) > 5


@pytest.mark.parametrize("wrong", [{"clips": 0}, {"clips": 2, "segments": True}, {"crops": 0}])
def test_views_that_are_none(reader, wrong):
    with pytest.raises(ValueError, match="must be at least 1"):
        ClipTestMapper(reader, unchanged, frames=4, stride=2, **wrong)


def test_jhmdb_end_to_end(shared, reader):
    root = shared / "data" / "jhmdb"
    record = jhmdb.load_videos(root, 1, "test")[0]
    sample = ClipTrainMapper(
        reader, spatial.random_resized_crop(32), frames=8, stride=2, rate=25.0, window=64
    )(record, np.random.default_rng(0))
    assert sample.clips.shape == (1, 3, 8, 32, 32)
    assert sample.clips.dtype == torch.uint8
