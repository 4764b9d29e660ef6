"""Every frame of the film has the people of its time."""

import numpy as np
import pytest

from ava_det.detect.film import drawn_frames, people_between
from ava_det.detect.results import Action, KeyframeResult, PersonResult


def person(track: int, box: list[float], *actions: Action) -> PersonResult:
    return PersonResult(track, np.array(box), 0.75, actions)


@pytest.mark.parametrize(
    ("time", "tracks", "x1"),
    [
        (1.0, [4, 5], [0.1, 0.5]),
        (1.5, [4, 5], [0.15, 0.5]),
        (2.0, [6, 4], [0.8, 0.2]),
        (2.5, [6, 4], [0.8, 0.25]),
        (3.0, [6, 4], [0.8, 0.3]),
    ],
)
def test_people_move_evenly_between_keyframes(time, tracks, x1):
    before = KeyframeResult(10, 1.0, (person(4, [0.1, 0, 0.2, 1]), person(5, [0.5, 0, 0.6, 1])))
    after = KeyframeResult(30, 3.0, (person(6, [0.8, 0, 0.9, 1]), person(4, [0.3, 0, 0.4, 1])))
    seen = people_between(before, after, time)
    assert [who.track for who, _ in seen] == tracks
    np.testing.assert_allclose([box[0] for _, box in seen], x1)
    assert [box.tolist() for _, box in people_between(before, None, time)] == [
        who.box.tolist() for who in before.people
    ]


def test_every_frame_is_drawn_with_the_people_of_its_time(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "ava_det.detect.film.draw_people",
        lambda frame, people: drawn.append([(p.track, p.labels, float(p.box[0])) for p in people]),
    )
    left, right = [0.0, 0.2, 0.3, 1.0], [0.1, 0.2, 0.4, 1.0]
    carry, sit = Action(5, "carry/hold (an object)", 0.9), Action(7, "sit", 0.5)
    results = [
        KeyframeResult(0, 0.0, ()),
        KeyframeResult(4, 0.4, (person(1, left, carry, sit),)),
        KeyframeResult(8, 0.8, (person(9, left), person(1, right, Action(2, "walk", 0.6), sit))),
    ]
    black = np.zeros((480, 480, 3), np.uint8)
    frames = [(n / 10, black if n in (0, 1, 2, 5, 7, 9) else None) for n in range(10)]
    times = [time for time, _ in drawn_frames(frames, results)]
    assert times == [0.0, 0.1, 0.2, 0.5, 0.7, 0.9]  # lost frames are left out
    soon = ("#1 carry/hold 0.90", "sit 0.50")
    later = ("#1 walk 0.60", "sit 0.50")
    assert drawn[:2] == [[], []]
    assert drawn[2] == [(1, soon, 0.0)]  # half way from the keyframe before
    assert drawn[3] == [(1, soon, pytest.approx(0.025))]
    assert drawn[4] == [(9, ("#9",), 0.0), (1, later, pytest.approx(0.075))]
    assert drawn[5] == [(9, ("#9",), 0.0), (1, later, pytest.approx(0.1))]


def test_keypoints_are_drawn_on_request_and_move_with_the_box(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "ava_det.detect.film.draw_people",
        lambda frame, people: drawn.append([p.keypoints for p in people]),
    )
    points = np.full((17, 3), 0.5)
    still, moved = [0.4, 0.2, 0.6, 0.8], [0.6, 0.2, 0.8, 0.8]
    results = [
        KeyframeResult(0, 0.0, (PersonResult(1, np.array(still), 0.75, (), points),)),
        KeyframeResult(4, 0.4, (PersonResult(1, np.array(moved), 0.75, (), points),)),
    ]
    frames = [(0.1, np.zeros((480, 480, 3), np.uint8))]
    list(drawn_frames(frames, results))
    list(drawn_frames(frames, results, keypoints=True))
    assert drawn[0] == [None]
    np.testing.assert_allclose(drawn[1][0][0], [0.55, 0.5, 0.5])
    np.testing.assert_allclose(points, 0.5)  # the result is not changed
