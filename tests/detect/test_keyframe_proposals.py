"""A person detector's run over the keyframes of a data set."""

import numpy as np
import pytest

from ava_det.detect.proposals import link, propose, unread, with_annotated
from ava_det.detect.protocols import People
from ava_det.structures import (
    FRAME_CLOCK,
    AnnotatedKeyframe,
    Clock,
    InputError,
    Keyframe,
    PersonBoxes,
)
from ava_det.video.video import VideoReader


class Recorder:
    """A person detector that keeps what it is shown."""

    def __init__(self):
        self.shown = []

    def people(self, frames):
        self.shown.append(frames)
        return [People(np.zeros((0, 4)), np.zeros(0)) for _ in frames]


@pytest.mark.parametrize("clock", [FRAME_CLOCK, Clock(rate=25.0, start=100)])
def test_proposals_come_of_the_right_frames_in_order(film, clock):
    start = clock.start
    paths = {"a": film(9), "b": film(5)}
    wanted = [("a", 0), ("a", 2), ("a", 3), ("a", 8), ("b", 4), ("b", 1), ("a", 5)]
    keyframes = [Keyframe(name, tick + start) for name, tick in wanted]
    records = [AnnotatedKeyframe(str(paths[k.video]), PersonBoxes.nobody(k)) for k in keyframes]
    detector, reader = Recorder(), VideoReader()
    found = list(propose(detector, records, reader, clock, batch_size=3))
    assert [(people.keyframe, problem) for people, problem in found] == [(k, "") for k in keyframes]
    assert [len(shown) for shown in detector.shown] == [3, 1, 2, 1]
    for keyframe, frame in zip(keyframes, np.concatenate(detector.shown), strict=True):
        path = paths[keyframe.video]
        times = reader.times(path)[[keyframe.tick - start]]
        np.testing.assert_array_equal(frame, reader.frames(path, times)[0])


def test_a_film_that_is_damaged_has_nobody_after_the_damage(film, tmp_path):
    """One that is cut short, one that is none, one with too few frames, and one that is whole."""
    data = film(40).read_bytes()
    torn, none, short, whole = (tmp_path / f"{name}.mkv" for name in ("torn", "none", "short", "x"))
    torn.write_bytes(data)
    none.write_bytes(b"not a film")
    short.write_bytes(film(4).read_bytes())
    whole.write_bytes(data)
    records = [
        AnnotatedKeyframe(str(path), PersonBoxes.nobody(Keyframe(path.stem, tick)))
        for path in (torn, none, short, whole)
        for tick in range(6)
    ]
    reader = Torn(torn, 4)
    detector = Recorder()
    found = list(propose(detector, records, reader, FRAME_CLOCK, batch_size=3))
    assert [people.keyframe for people, _ in found] == [r.people.keyframe for r in records]
    assert [len(shown) for shown in detector.shown] == [3, 1, 3, 1, 3, 3]
    problems = [problem for _, problem in found]
    assert [bool(problem) for problem in problems] == [
        *(tick >= 4 for tick in range(6)),
        *[True] * 6,
        *(tick >= 4 for tick in range(6)),
        *[False] * 6,
    ]
    lines = unread(records, problems)
    assert lines[0] == f"warning: {torn}: torn"
    assert lines[1].startswith(f"warning: {none}: not a readable video")
    assert lines[2] == f"warning: {short}: frame 4 of 4"
    assert lines[3] == (
        "3 of 4 videos cannot be read completely: 10 of 24 keyframes were not searched for people"
    )
    assert unread(records, problems, most=1) == [lines[0], lines[3]]
    assert unread(records, [""] * 24) == []


class Torn(VideoReader):
    """Reads all of one film but its frames from some number on."""

    def __init__(self, path, whole):
        super().__init__()
        self.path, self.whole = path, whole

    def frames(self, path, times):
        if path == str(self.path) and max(times) >= self.times(path)[self.whole]:
            raise InputError(f"{path}: torn")
        return super().frames(path, times)


def people_at(*boxes: list[float], action: int | None = None, score: float = 1.0) -> PersonBoxes:
    return PersonBoxes(
        Keyframe("film", 0),
        np.array(boxes).reshape(-1, 4),
        ((action,) if action else (),) * len(boxes),
        np.full(len(boxes), score),
        np.arange(len(boxes)) if action else np.full(len(boxes), -1),
    )


LEFT, RIGHT = [0.0, 0.0, 0.4, 1.0], [0.6, 0.0, 1.0, 1.0]
SHIFTED = [0.1, 0.0, 0.5, 1.0]  # IoU with LEFT 0.3 / 0.5
FAR_SHIFTED = [0.2, 0.0, 0.6, 1.0]  # 0.2 / 0.6


@pytest.mark.parametrize(
    ("annotated", "found", "kept"),
    [
        ([LEFT], [SHIFTED, RIGHT], [LEFT, RIGHT]),
        ([LEFT], [FAR_SHIFTED], [LEFT, FAR_SHIFTED]),
        ([], [LEFT, RIGHT], [LEFT, RIGHT]),
        ([LEFT], [], [LEFT]),
        ([], [], []),
    ],
)
def test_people_whom_nobody_annotated_are_added(annotated, found, kept):
    both = with_annotated(people_at(*annotated, action=3), people_at(*found, score=0.6))
    assert both.boxes.tolist() == kept
    assert both.actions == ((),) * len(kept)
    new = len(kept) - len(annotated)
    assert both.scores.tolist() == [1.0] * len(annotated) + [0.6] * new
    assert both.person_ids.tolist() == [*range(len(annotated)), *[-1] * new]


def walkers(tick: int, *people: tuple[float, float]) -> PersonBoxes:
    """A keyframe of people with the left side of a box and a score each."""
    boxes = np.array([[left, 0.1, left + 0.2, 0.9] for left, _ in people]).reshape(-1, 4)
    scores = np.array([score for _, score in people])
    ids = np.full(len(people), -1)
    return PersonBoxes(Keyframe("v", tick), boxes, ((),) * len(people), scores, ids)


@pytest.mark.parametrize("clock", [FRAME_CLOCK, Clock(rate=5.0, start=100)])
def test_boxes_of_one_person_are_linked(film, clock):
    """In the order of time, whatever the order of the keyframes; a weak box starts no track."""
    path, start = film(40), clock.start
    ticks = [start + tick for tick in (4, 0, 1, 3, 2)]
    found = [
        walkers(tick, (0.7 - 0.03 * (tick - start), 0.9), (0.1 + 0.03 * (tick - start), 0.6))
        for tick in ticks
    ]
    found[2] = walkers(start + 1, (0.13, 0.3), (0.67, 0.9), (0.4, 0.3))  # in another order
    found.append(walkers(start + 5))
    linked = link(found, {"v": str(path)}, VideoReader(), clock)
    assert [people.person_ids.tolist() for people in linked] == [
        [0, 1],
        [0, 1],
        [1, 0, -1],
        [0, 1],
        [0, 1],
        [],
    ]
    for people, other in zip(linked, found, strict=True):
        assert people.keyframe == other.keyframe
        assert people.boxes.tolist() == other.boxes.tolist()
        assert people.scores.tolist() == other.scores.tolist()


@pytest.mark.parametrize(("step", "expected"), [(5, 0), (20, 1)])
def test_a_track_ends_by_the_time_and_not_by_the_number_of_keyframes(film, step, expected):
    """A person who is gone for 1 s keeps the track, and one who is gone for 4 s does not."""
    found = [walkers(tick, (0.1, 0.9)) for tick in (0, step)]
    found += [walkers(k * step) for k in range(2, 6)]
    found.append(walkers(6 * step, (0.1, 0.9)))
    path = film(6 * step + 1, 25.0)
    linked = link(found, {"v": str(path)}, VideoReader(), FRAME_CLOCK)
    assert [people.person_ids.tolist() for people in linked if len(people.boxes)] == [
        [0],
        [0],
        [expected],
    ]


def test_a_film_without_people_is_not_read():
    found = [walkers(0), walkers(1)]
    linked = link(found, {"v": "nowhere.mp4"}, VideoReader(), FRAME_CLOCK)
    assert [people.keyframe.tick for people in linked] == [0, 1]
    assert link(found[:0], {}, VideoReader(), FRAME_CLOCK) == []


def test_one_keyframe_of_a_film(film):
    (people,) = link([walkers(3, (0.1, 0.9))], {"v": str(film(5))}, VideoReader(), FRAME_CLOCK)
    assert people.person_ids.tolist() == [0]
