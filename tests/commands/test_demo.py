"""The demo's own judgement: each condition on its own, at its border."""

import pytest

from ava_det.commands import demo

SOUND = {
    "trained, ground-truth boxes": 0.5,
    "trained, detected boxes": 0.36,
    "trained, one repeated frame": 0.24,
    "untrained, ground-truth boxes": 0.1,
    "untrained, detected boxes": 0.1,
    "class prior, ground-truth boxes": 0.16,
}


def test_a_sound_result_passes():
    assert demo.unsound(SOUND) == []


@pytest.mark.parametrize(
    ("name", "value", "failure"),
    [
        ("trained, detected boxes", 0.34, "detected boxes"),
        ("trained, one repeated frame", 0.26, "repeated frame"),
        ("class prior, ground-truth boxes", 0.17, "class prior"),
    ],
)
def test_each_condition_can_fail_alone(name, value, failure):
    (found,) = demo.unsound({**SOUND, name: value})
    assert failure in found


def test_learning_too_little_fails():
    assert any(
        "at least 0.5" in f for f in demo.unsound({**SOUND, "trained, ground-truth boxes": 0.49})
    )
