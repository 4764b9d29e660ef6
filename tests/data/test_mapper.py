"""From records of real clips to samples and batches."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ava_det.augment import spatial
from ava_det.batch import PeopleBatch, boxes_for, keyframe_boxes
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
    Track,
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


class Numbered:
    """A reader of a file whose frame k shows the number k in its first pixel."""

    def __init__(self, times):
        self._times = np.asarray(times, np.float64)

    def times(self, path):
        return self._times

    def frames(self, path, times):
        frames = np.zeros((len(times), 24, 32, 3), np.uint8)
        nearest = [int(np.abs(self._times - time).argmin()) for time in times]
        frames[:, 0, 0, 0] = nearest
        return frames


def on_the_line(time, known, boxes):
    """The box at a time between known ones, found by looking through all of them."""
    before = max((k for k in range(len(known)) if known[k] <= time), default=None)
    after = min((k for k in range(len(known)) if known[k] >= time), default=None)
    if before is None or after is None:
        return boxes[after if before is None else before]
    if before == after:
        return boxes[before]
    share = (time - known[before]) / (known[after] - known[before])
    return [(1 - share) * a + share * b for a, b in zip(boxes[before], boxes[after], strict=True)]


CLOCKS = [FRAME_CLOCK, Clock(rate=None, start=3), Clock(rate=2.0, start=100), Clock(rate=25.0)]


@st.composite
def tracked_records(draw, clock):
    """A file's frame times, and a record of it with up to three people on tracks."""
    times = np.cumsum([0.0, *draw(st.lists(st.floats(0.01, 0.2), min_size=4, max_size=30))])
    last = len(times) - 1 if clock.rate is None else int(times[-1] * clock.rate)
    number = st.integers(0, last)
    tick = clock.start + draw(number)
    tracks = []
    for _ in range(draw(st.integers(0, 3))):
        # Some tracks go on after the end of the file.
        others = draw(st.sets(st.integers(0, last + 2).map(lambda n: n + clock.start), max_size=6))
        ticks = np.array(sorted({tick, *others}))
        corners = draw(
            st.lists(
                st.tuples(*[st.floats(0, 0.5)] * 2, *[st.floats(0.1, 0.5)] * 2),
                min_size=len(ticks),
                max_size=len(ticks),
            )
        )
        boxes = np.array([[x, y, x + width, y + height] for x, y, width, height in corners])
        tracks.append(Track(ticks, boxes))
    own = [track.boxes[track.ticks == tick][0] for track in tracks]
    record = AnnotatedKeyframe("v.mp4", people(tick, *own), tuple(tracks))
    return times, record


@pytest.mark.parametrize("clock", CLOCKS)
@given(data=st.data())
def test_a_tube_is_on_the_line_between_the_boxes_of_the_track(clock, data):
    times, record = data.draw(tracked_records(clock))
    frames, stride = data.draw(st.integers(1, 9)), data.draw(st.integers(0, 3))
    rate = data.draw(st.sampled_from([None, 25.0]))
    given_to_all = Numbered(times), unchanged, CLASSES, clock, frames, stride, rate, None
    plain = PeopleTestMapper(*given_to_all)(record)
    sample = PeopleTestMapper(*given_to_all, tubes=True)(record)
    assert torch.equal(sample.clips, plain.clips)
    (tubes,), middle = sample.boxes, frames // 2
    assert (tubes.shape, tubes.dtype) == ((len(record.tracks), frames, 4), torch.float32)
    assert torch.equal(tubes[:, middle], plain.boxes[0]), "the boxes on the keyframe"
    shown = times[sample.clips[0, 0, :, 0, 0].numpy()]
    seconds = clock.seconds(record.people.keyframe.tick, times)
    for tube, track in zip(tubes, record.tracks, strict=True):
        inside = [
            (clock.seconds(tick, times), box)
            for tick, box in zip(track.ticks.tolist(), track.boxes.tolist(), strict=True)
            if clock.rate is not None or tick - clock.start < len(times)
        ]
        known, boxes = zip(*inside, strict=True)
        at = [seconds + (time - shown[middle]) for time in shown]
        expected = np.array([on_the_line(time, known, boxes) for time in at]) * [32, 24, 32, 24]
        np.testing.assert_allclose(tube.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 4, 5, 8])
@pytest.mark.parametrize(("stride", "rate"), [(1, None), (2, 25.0), (3, 12.0)])
def test_frame_t_half_of_a_clip_shows_the_keyframe(path, reader, frames, stride, rate):
    mapper = PeopleTestMapper(reader, unchanged, CLASSES, FRAME_CLOCK, frames, stride, rate)
    keyframe = reader.frames(path, reader.times(path)[[17]])[0]
    clip = mapper(AnnotatedKeyframe(path, people(17))).clips[0]
    np.testing.assert_array_equal(clip[:, frames // 2].permute(1, 2, 0).numpy(), keyframe)


def test_the_tube_of_a_real_clip_has_the_annotated_boxes(shared, reader):
    keyframes = jhmdb.load_keyframes(shared / "data" / "jhmdb", 1, "test").with_tracks()
    record = keyframes[17]
    boxes = {r.people.keyframe.tick: r.people.boxes[0] for r in keyframes if r.path == record.path}
    mapper = PeopleTestMapper(reader, unchanged, None, FRAME_CLOCK, 8, 4, tubes=True)
    ((tube,),) = mapper(record).boxes
    ticks = np.clip(17 + 4 * (np.arange(8) - 4), 0, len(reader.times(record.path)) - 1)
    expected = np.stack([boxes[tick] for tick in ticks.tolist()]) * [320, 240, 320, 240]
    np.testing.assert_allclose(tube.numpy(), expected, rtol=1e-5)
    assert np.ptp(tube.numpy(), axis=0).max() > 1, "the actor moves"


def moving(*rows: list[tuple[float, float]]) -> AnnotatedKeyframe:
    """Keyframe 5 of a file of ten frames; the left sides of each person's boxes by tick."""
    tracks = []
    for lefts in rows:
        ticks, x = np.array(lefts).T
        boxes = np.stack([x, 0.25 + 0 * x, x + 0.25, 0.75 + 0 * x], axis=1)
        tracks.append(Track(ticks.astype(np.int64), boxes))
    own = [track.boxes[track.ticks == 5][0] for track in tracks]
    return AnnotatedKeyframe("v.mp4", people(5, *own), tuple(tracks))


def test_who_is_dropped_is_decided_on_the_keyframe():
    """The centre square of 24 x 32 pixels is the columns from 4 to 28."""
    leaves, comes = [(3, 0.75), (5, 0.3), (7, 0.75)], [(3, 0.3), (5, 0.9), (7, 0.3)]
    given_to_all = Numbered(np.arange(10) / 10), spatial.center_crop(24), CLASSES, FRAME_CLOCK, 5, 1
    mapper = PeopleTrainMapper(*given_to_all, tubes=True, smallest_side=6.0)
    sample = mapper(moving(leaves, comes), np.random.default_rng(0))
    ((tube,),) = sample.boxes
    left = torch.tensor([20, 12.8, 5.6, 12.8, 20])  # 32 x - 4
    torch.testing.assert_close(tube[:, 0], left)
    torch.testing.assert_close(tube[:, 2], (left + 8).clamp(max=24))
    assert sample.targets[0].tolist() == [[1, 0, 1]]
    assert len(sample.people[0].boxes) == 2


@pytest.mark.parametrize("keep_person", [False, True])
@given(tracked_records(FRAME_CLOCK), st.integers(0, 99))
def test_tubes_change_neither_the_crop_nor_who_is_kept(keep_person, given_record, seed):
    times, record = given_record
    crop = spatial.jitter_crop(16, 24, 16, keep_person=keep_person)
    samples = []
    for tubes in (False, True):
        torch.manual_seed(seed)
        mapper = PeopleTrainMapper(
            Numbered(times), crop, CLASSES, FRAME_CLOCK, 4, 2, tubes=tubes, smallest_side=2.0
        )
        samples.append(mapper(record, np.random.default_rng(0)))
    plain, tubed = samples
    assert torch.equal(tubed.clips, plain.clips)
    torch.testing.assert_close(keyframe_boxes(tubed.boxes[0]), plain.boxes[0])
    assert torch.equal(tubed.targets[0], plain.targets[0])


def test_tubes_of_a_batch_and_of_nobody():
    settings = dict(reader=Numbered(np.arange(10) / 10), transform=unchanged, class_map=CLASSES)
    mapper = PeopleTestMapper(**settings, clock=FRAME_CLOCK, frames=4, tubes=True)
    batch = mapper.collate([mapper(moving()), mapper(moving([(5, 0.0)], [(4, 0.5), (5, 0.25)]))])
    assert [boxes.shape for boxes in batch.boxes] == [(0, 4, 4), (2, 4, 4)]
    still, walker = batch.to(torch.device("cpu")).boxes[1][:, :, 0]
    assert still.tolist() == [0, 0, 0, 0]
    assert walker.tolist() == [16, 16, 8, 8]  # frames 3 to 6
    plain, nobody = boxes_for(object(), batch.boxes)[::-1]
    assert plain[:, 0].tolist() == [0, 8]
    assert nobody.shape == (0, 4)


def test_tubes_need_tracks():
    reader = Numbered(np.arange(10) / 10)
    mapper = PeopleTestMapper(reader, unchanged, CLASSES, FRAME_CLOCK, 4, tubes=True)
    with pytest.raises(ValueError, match=r"v\.mp4: tubes need records with tracks"):
        mapper(AnnotatedKeyframe("v.mp4", people(5, (0, 0, 1, 1))))
