"""Pictures and boxes of the rendered actors, checked against each other pixel by pixel."""

import dataclasses
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
import pytest

from ava_det.data.actors import render
from ava_det.data.actors.actions import ACTIONS, Cycle, Motion
from ava_det.data.actors.body import capsules
from ava_det.data.actors.produce import Sizes, annotate, scripts
from ava_det.data.actors.render import SUPERSAMPLING, Renderer
from ava_det.data.actors.scenes import SCENES, backdrop
from ava_det.data.actors.script import Bar, Camera, Light, Script

SIZES = Sizes(train=6, test=2, clips_train=4, clips_test=1, height=60, width=80)
NOON = Light(np.ones(3), (0.0, 1.0, 0.0))
STEADY = Camera(np.zeros(3), np.zeros((1, 3, 3)))
FROZEN = Motion(ACTIONS[0], Cycle.CROUCH, 0.2, 1.0)


def script(number: int, subset: str = "train", **changes) -> Script:
    return dataclasses.replace(scripts(subset, SIZES, seed=5)[number], **changes)


def alone(**changes) -> Script:
    """One person in the middle of an empty stage, frozen."""
    base = script(0, "clips_train", light=NOON, camera=STEADY, foreground=(), scene="stage")
    actor = dataclasses.replace(
        base.actors[0], place=(0.65, 0.9), height=0.7, body=FROZEN, arms=None, thing=None
    )
    return dataclasses.replace(base, actors=(dataclasses.replace(actor, **changes),))


def frame(plan: Script, time: float = 0.7) -> np.ndarray:
    return next(Renderer(plan, SIZES.height).frames(np.array([time])))


@pytest.mark.parametrize("number", range(4))
def test_box_is_tight_around_the_pixels_that_a_person_changes(number, monkeypatch):
    monkeypatch.setattr(render, "draw_shadow", lambda canvas, stand: None)
    plan = script(number, "clips_train", light=NOON, foreground=())
    plan = dataclasses.replace(plan, actors=(dataclasses.replace(plan.actors[0], thing=None),))
    empty = dataclasses.replace(plan, actors=())
    changed = (frame(plan) != frame(empty)).any(axis=-1)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    boxes, indices = Renderer(plan, SIZES.height).boxes(0.7)
    pixels = boxes[0] * (80, 60, 80, 60)
    # The box is found at twice the size: its edges lie within the outermost changed pixels.
    np.testing.assert_array_equal(np.floor(pixels[:2]), (columns[0], rows[0]))
    np.testing.assert_array_equal(np.ceil(pixels[2:]), (columns[-1] + 1, rows[-1] + 1))
    np.testing.assert_array_equal(pixels * SUPERSAMPLING, np.round(pixels * SUPERSAMPLING))
    assert indices.tolist() == [0]


def test_a_person_stands_as_high_as_told_on_the_ground():
    plan = alone(body=Motion(ACTIONS[0], Cycle.CROUCH, 0.0, 1.0))
    box = Renderer(plan, 240).boxes(0.0)[0][0]
    assert box[3] == pytest.approx(0.9, abs=0.01)
    assert box[3] - box[1] == pytest.approx(0.7, rel=0.06)


def test_a_person_who_looks_the_other_way_is_a_mirror_image():
    left, right = (Renderer(alone(facing=side), 240).boxes(0.0)[0][0] for side in (-1, 1))
    width = 80 / 60
    middle = 0.65 / width
    np.testing.assert_allclose(left[[0, 2]], 2 * middle - right[[2, 0]], atol=0.005)
    np.testing.assert_allclose(left[[1, 3]], right[[1, 3]], atol=0.005)


@pytest.mark.parametrize(
    ("x", "seen"), [(0.65, True), (0.1, True), (-0.6, False), (80 / 60 + 0.6, False)]
)
def test_people_outside_of_the_frame_are_left_out_and_others_cut(x: float, seen: bool):
    boxes, _ = Renderer(alone(place=(x, 0.9)), 60).boxes(0.0)
    assert len(boxes) == seen
    if x == 0.1:
        assert boxes[0, 0] == 0.0


def test_a_person_behind_another_is_left_out_and_the_other_is_not():
    plan = alone()
    twice = dataclasses.replace(plan, actors=plan.actors * 2)
    boxes, indices = Renderer(twice, 60).boxes(0.0)
    assert indices.tolist() == [1]
    np.testing.assert_array_equal(boxes, Renderer(plan, 60).boxes(0.0)[0])


def test_what_stands_before_a_person_does_not_change_the_box():
    plan = alone()
    box = Renderer(plan, 60).boxes(0.0)[0]
    post = Bar((0.65, -0.5), (0.65, 1.5), 0.02, (90, 90, 90))
    np.testing.assert_array_equal(
        Renderer(dataclasses.replace(plan, foreground=(post,)), 60).boxes(0.0)[0], box
    )
    wall = dataclasses.replace(post, radius=1.0)
    assert not len(Renderer(dataclasses.replace(plan, foreground=(wall,)), 60).boxes(0.0)[0])


def pictures(plan: Script, frames: int = 3) -> np.ndarray:
    return np.stack(list(Renderer(plan, SIZES.height).frames(np.arange(frames) / 15)))


def test_pictures_depend_on_the_script_alone():
    plan = script(1)
    here = pictures(plan)
    assert here.shape == (3, 60, 80, 3)
    assert here.dtype == np.uint8
    np.testing.assert_array_equal(here, pictures(script(1)))
    # Any frame by itself is the same as in order.
    np.testing.assert_array_equal(here[2], frame(plan, time=2 / 15))
    with ProcessPoolExecutor(1, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        np.testing.assert_array_equal(here, pool.submit(pictures, plan).result())


def test_the_scene_changes_the_picture_and_nobody_in_it():
    street, park = script(2, scene="street"), script(2, scene="park")
    assert (frame(street) != frame(park)).mean() > 0.3
    for one, other in zip(annotate(street, SIZES), annotate(park, SIZES), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert one.actions == other.actions


@pytest.mark.parametrize("number", range(6))
def test_boxes_lie_in_the_frame_and_rows_say_what_people_do(number: int):
    plan = script(number)
    groups = annotate(plan, SIZES)
    assert [group.keyframe.tick for group in groups] == [3, 4, 5, 6, 7, 8, 9]  # 1 to 3 seconds of 4
    for group in groups:
        assert (group.boxes >= 0).all()
        assert (group.boxes <= 1).all()
        assert (group.boxes[:, 2:] > group.boxes[:, :2]).all()
        for person, actions in zip(group.person_ids, group.actions, strict=True):
            assert actions == plan.actors[person].action_ids


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_scene_can_be_drawn_at_any_size(name: str, seed: int):
    small, large = (
        backdrop(name, height, width, np.random.default_rng(seed))
        for height, width in ((90, 120), (360, 440))
    )
    assert small.shape == (90, 120, 3)
    assert large.shape == (360, 440, 3)
    assert large.std() > 5


def test_capsules_hold_their_discs_and_nothing_else():
    starts, ends = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])
    outline = capsules(starts, ends, np.array([[1.0, 0.5]]))[0]
    to_start = np.linalg.norm(outline - starts, axis=1)
    to_end = np.linalg.norm(outline - ends, axis=1)
    assert np.isclose(to_start, 1.0).sum() == 7
    assert np.isclose(to_end, 0.5).sum() == 7
    assert outline.min(axis=0) == pytest.approx([-1.0, -1.0], abs=0.05)
