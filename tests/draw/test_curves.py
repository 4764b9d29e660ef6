"""Curves with bands: the mean and spread by hand, and a picture with what it was given."""

import numpy as np
import pytest
from PIL import Image

from ava_det.draw.curves import COLOURS, draw_curves, looks, mean_and_spread

ONE = np.array([10, 20, 30]), np.array([1.0, 2, 4])
TWO = np.array([10, 15, 30]), np.array([3.0, 9, 4])


def test_mean_and_spread_are_of_common_steps():
    steps, mean, spread = mean_and_spread([ONE, TWO])
    assert steps.tolist() == [10, 30]
    assert mean.tolist() == [2, 4]
    np.testing.assert_allclose(spread, [2**0.5, 0])
    steps, mean, spread = mean_and_spread([ONE])
    assert (steps.tolist(), mean.tolist(), spread.tolist()) == ([10, 20, 30], [1, 2, 4], [0, 0, 0])


@pytest.mark.slow
def test_panels_are_drawn_side_by_side_and_empty_arms_left_out(tmp_path):
    path = tmp_path / "curves.png"
    draw_curves(path, {"a": {"x": [ONE, TWO], "none": []}, "b": {"y": [ONE]}}, "top-1 (%)")
    picture = np.asarray(Image.open(path).convert("RGB"))
    assert picture.shape[1] > 2 * picture.shape[0]
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert (0, 0, 0) in colours  # x, the first arm
    assert (213, 94, 0) in colours  # y, the third, in its own panel
    assert (0, 114, 178) not in colours  # the second has nothing to show
    assert [p.name for p in tmp_path.iterdir()] == ["curves.png"]


def test_variants_of_an_arm_share_its_colour_and_have_dashes_of_their_own():
    look = looks(["mix", "mix, 25 %", "none, 25 %", "none"])
    assert look["mix"] == (COLOURS[0], "-")
    assert look["mix, 25 %"] == (COLOURS[0], "--")
    assert look["none, 25 %"] == (COLOURS[1], "--")
    assert look["none"] == (COLOURS[1], "-")
    many = looks(str(k) for k in range(2 * len(COLOURS)))
    assert len(set(many.values())) == len(many)
