"""A frame does not tell the action: poses and their frequencies are a cycle's, not an action's."""

import dataclasses

import numpy as np
import pytest

from ava_det.data.actors.actions import (
    ACTIONS,
    CATCH,
    FREEZE,
    IDS,
    PLAY,
    SOLO_ACTIONS,
    THROW,
    Action,
    Cycle,
    Drive,
    Motion,
    class_map,
    pose,
    random_motion,
)

PAIRS = [(action, cycle) for action in ACTIONS for cycle in action.cycles]
NAMED = {action.name: action for action in ACTIONS}


def moving(name: str, cycle: Cycle, phase: float = 0.3) -> Motion:
    return Motion(NAMED[name], cycle, phase, tempo=1.0)


def test_classes_are_enough_and_listed_once():
    assert len(SOLO_ACTIONS) >= 10
    assert len(ACTIONS) - len(SOLO_ACTIONS) == 3
    names = class_map()
    assert names.ids == tuple(range(1, len(ACTIONS) + 1))
    assert set(names.groups.values()) == {"pose", "object", "person"}
    assert class_map(SOLO_ACTIONS).ids == names.ids[: len(SOLO_ACTIONS)]  # labels are columns
    assert names.names[IDS[FREEZE]] == "freeze"


@pytest.mark.parametrize("cycle", Cycle)
def test_no_cycle_belongs_to_one_or_two_actions(cycle: Cycle):
    assert sum(cycle in action.cycles for action in ACTIONS) >= 3


@pytest.mark.parametrize(("action", "cycle"), PAIRS)
def test_every_pose_of_a_cycle_is_equally_frequent(action: Action, cycle: Cycle):
    rng = np.random.default_rng(0)
    u = np.array([random_motion_at(action, cycle, rng) for _ in range(4000)])
    share, _ = np.histogram(u, bins=10, range=(0, 1))
    assert np.abs(share / len(u) - 0.1).max() < 0.025  # five deviations of a binomial share


def random_motion_at(action: Action, cycle: Cycle, rng: np.random.Generator) -> float:
    motion = dataclasses.replace(random_motion(action, rng), cycle=cycle)
    return motion.at(rng.uniform(0.75, 3.25))


@pytest.mark.parametrize(
    ("first", "second", "cycle"),
    [
        ("walk", "walk backward", Cycle.STRIDE),
        ("crouch down", "stand up", Cycle.CROUCH),
        ("lift", "put down", Cycle.REACH),
        ("throw to a person", "catch from a person", Cycle.FLIGHT),
    ],
)
def test_an_action_backwards_is_its_partner(first: str, second: str, cycle: Cycle):
    forward, backward = moving(first, cycle, phase=0.0), moving(second, cycle, phase=0.0)
    times = np.linspace(0.01, 0.99, 37) * (1 - 1e-9)
    period = forward.action.period
    there = [forward.at(t * period) for t in times]
    back = [backward.at(t * period) for t in times]
    # One-way cycles differ by the phase of their jump, which is where each of them starts.
    np.testing.assert_allclose(back, [1 - u for u in there], atol=1e-12)
    if cycle is not Cycle.STRIDE:
        rises = np.diff(there) > 0
        assert 0.85 < rises.mean() < 0.95  # all of a period but for the jump


def test_freezing_is_still_and_hurrying_is_walking_at_twice_the_speed():
    times = np.linspace(0, 2, 9)
    assert len({moving("freeze", Cycle.CROUCH).at(t) for t in times}) == 1
    walk, hurry = moving("walk", Cycle.STRIDE), moving("hurry", Cycle.STRIDE)
    assert hurry.speed > 2 * walk.speed > 0
    for t in times:
        assert hurry.at(t * 0.5 / 1.1) == pytest.approx(walk.at(t))


def test_actions_to_and_fro_turn_twice_a_period():
    bob = Motion(NAMED["bob"], Cycle.CROUCH, phase=0.0, tempo=1.0)
    assert [bob.at(part * 0.7) for part in (0, 0.25, 0.5, 0.75)] == pytest.approx([0, 0.5, 1, 0.5])
    assert bob.action.drive is Drive.TO_AND_FRO
    assert bob.speed == 0


def test_equal_places_in_a_cycle_are_equal_poses():
    up, down = (
        moving("stand up", Cycle.CROUCH, phase=0.36),
        moving("crouch down", Cycle.CROUCH, 0.54),
    )
    assert up.at(0.0) == pytest.approx(0.6)  # 0.36 of a period that jumps back in its last tenth
    assert down.at(0.0) == pytest.approx(0.6)
    assert pose(up, None, 0.0).thighs == pytest.approx(pose(down, None, 0.0).thighs)


def test_play_is_no_role():
    assert {THROW.drive, CATCH.drive} == {Drive.UP, Drive.DOWN}
    assert PLAY.drive is Drive.TO_AND_FRO
