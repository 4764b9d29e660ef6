"""Contact sheets: the right frames in the right places, boxes where they belong."""

import numpy as np
import pytest

from ava_det.draw.contact_sheet import Strip, contact_sheet, shown_frames
from ava_det.draw.frames import DrawnPerson


@pytest.mark.parametrize(
    ("frames", "pictures", "expected"),
    [(16, 8, [0, 2, 4, 6, 8, 10, 12, 14]), (3, 8, [0, 1, 2]), (1, 4, [0]), (7, 3, [0, 2, 4])],
)
def test_frames_are_spread(frames, pictures, expected):
    assert shown_frames(frames, pictures).tolist() == expected


@pytest.mark.parametrize("frames", [2, 8, 15, 16, 32])
def test_the_keyframe_is_among_them(frames):
    """It is frame T // 2, and an even number of pictures has it."""
    assert frames // 2 in shown_frames(frames, 8) or frames % 2


def test_every_clip_is_a_row():
    """Clips of one colour a frame: each picture is found, from left to right."""
    clips = np.zeros((2, 4, 20, 30, 3), np.uint8)
    for n in range(2):
        for t in range(4):
            clips[n, t] = (40 + 100 * n, 30 * (t + 1), 7)
    strips = [Strip(clip, ("label", f"video {n}")) for n, clip in enumerate(clips)]
    sheet = contact_sheet(strips, "a title", height=60)
    for n in range(2):
        rows, columns = np.nonzero((sheet == clips[n, 0, 0, 0]).all(axis=2))
        assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (60, 90)
        line = sheet[rows.min() + 30]
        at = [np.flatnonzero((line == clips[n, t, 0, 0]).all(axis=1)).min() for t in range(4)]
        assert np.diff(at).tolist() == [92, 92, 92]
    assert (sheet[:30, :200] < 200).any()  # the title


def test_boxes_are_drawn_on_every_frame_and_labels_on_the_middle_one():
    clip = np.zeros((4, 50, 50, 3), np.uint8)
    person = DrawnPerson(np.array([0.2, 0.4, 0.8, 0.9]), ("walk",))
    plain = contact_sheet([Strip(clip, ("x",), (person.without_labels(),))], "t", height=100)
    labelled = contact_sheet([Strip(clip, ("x",), (person,))], "t", height=100)
    changed = np.flatnonzero((plain != labelled).any(axis=(0, 2)))
    third = 12 + 2 * 102
    assert third <= changed.min() <= changed.max() < third + 100
    boxed = (plain == (255, 176, 0)).all(axis=2).any(axis=0)
    assert [bool(boxed[12 + 102 * k : 112 + 102 * k].any()) for k in range(4)] == [True] * 4
