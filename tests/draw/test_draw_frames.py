"""People on frames: nothing leaves the frame, text can be read, colours follow tracks."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.draw import frames
from ava_det.draw.frames import PALETTE, DrawnPerson, draw_people, enlarged, enlarged_size

GREY = 90


def blank(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def person(box: list[float], *labels: str, track: int = 0, truth: bool = False) -> DrawnPerson:
    return DrawnPerson(np.array(box), labels, track, truth)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((144, 180), (480, 600)), ((240, 320), (480, 640)), ((721, 1281), (721, 1281))],
)
def test_small_frames_are_enlarged_and_large_ones_left_alone(size, expected):
    assert enlarged_size(*size) == expected
    assert enlarged(blank(*size)).shape == (*expected, 3)


def test_the_frame_itself_is_not_touched_and_nobody_changes_nothing():
    frame = blank(480, 640)
    draw_people(frame, [person([0.1, 0.1, 0.5, 0.9], "walk")])
    assert (frame == GREY).all()
    np.testing.assert_array_equal(draw_people(frame, []), frame)


def test_a_box_has_its_track_colour_where_it_belongs():
    drawn = draw_people(blank(480, 640), [person([0.25, 0.25, 0.5, 0.75], track=3)])
    color = PALETTE.by_idx(3).as_rgb()
    assert tuple(drawn[240, 160]) == color
    assert tuple(drawn[120, 240]) == color
    assert (drawn[240, 170:310] == GREY).all()


def test_truth_is_white_corners():
    drawn = draw_people(blank(480, 640), [person([0.25, 0.25, 0.5, 0.75], truth=True, track=3)])
    assert tuple(drawn[120, 165]) == (255, 255, 255)
    assert (drawn[240] == GREY).all()  # half way between the corners


@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (2000, 500)])
def test_text_grows_with_the_frame(size):
    changed = draw_people(blank(*size), [person([0.3, 0.5, 0.6, 0.9], "walk 0.90")]) != GREY
    rows = np.flatnonzero(changed.any(axis=(1, 2)))
    above = size[0] * 0.5 - rows[0]
    assert min(size) / 30 < above < min(size) / 15


places = st.floats(-0.1, 1.1)


@given(
    people=st.lists(st.tuples(places, places, places, places, st.integers(1, 5)), max_size=4),
    truth=st.booleans(),
)
def test_labels_stay_in_the_frame(people, truth):
    areas = []
    height, width = 300, 400
    for x1, y1, x2, y2, lines in people:
        box = [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]
        labels = [f"an action of some length {k}" for k in range(lines)]
        before = len(areas)
        frames.draw_labels(blank(height, width), person(box, *labels, truth=truth), 1, areas)
        left, top, right, bottom = areas[before]
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_labels_of_neighbours_do_not_cover_each_other():
    areas = []
    canvas = blank(480, 640)
    for box in ([0.2, 0.3, 0.4, 0.9], [0.25, 0.3, 0.45, 0.9], [0.3, 0.3, 0.5, 0.9]):
        frames.draw_labels(canvas, person(box, "walk 0.90", "talk to 0.50"), 1, areas)
    assert not any(frames.overlap(a, b) for k, a in enumerate(areas) for b in areas[k + 1 :])


def test_a_long_label_is_cut_with_an_ellipsis():
    text = frames.shortened("talk to a person, a group or nobody in particular", 16, 150)
    assert text.endswith("…")
    assert text.startswith("talk to")
    assert cv2.getTextSize((0, 0), text, (0, 0), frames.font(), 16, 500)[2] <= 150
    assert frames.shortened("walk", 16, 150) == "walk"


def test_bones_connect_known_keypoints_alone():
    keypoints = np.zeros((17, 3))
    keypoints[5], keypoints[7], keypoints[9] = (0.2, 0.5, 0.9), (0.5, 0.5, 0.9), (0.8, 0.5, 0.1)
    who = DrawnPerson(np.array([0.0, 0.0, 1.0, 1.0]), (), 2, keypoints=keypoints)
    plain = draw_people(blank(480, 480), [DrawnPerson(who.box, (), 2)])
    drawn = draw_people(blank(480, 480), [who])
    color = PALETTE.by_idx(2).as_rgb()
    assert tuple(drawn[240, 168].tolist()) == color  # shoulder to elbow
    assert np.array_equal(drawn[:, 260:], plain[:, 260:])  # the wrist is not known
