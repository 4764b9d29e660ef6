"""Normalisation and the split of a clip."""

import pytest
import torch

from ava_det.model.pathways import Normalize, SplitPathways


def test_bytes_are_normalised_a_channel():
    clip = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 3, 1, 1, 1)
    normalize = Normalize(mean=(0.5, 0.2, 0.0), std=(0.5, 0.1, 0.25))
    torch.testing.assert_close(normalize(clip).flatten(), torch.tensor([-1.0, 0.0, 4.0]))


def test_floats_are_normalised_already_and_nothing_is_saved():
    normalize = Normalize()
    clip = torch.randn(1, 3, 2, 2, 2)
    assert normalize(clip) is clip
    assert not normalize.state_dict()


@pytest.mark.parametrize(
    ("alpha", "from_first", "frames", "expected"),
    [
        (4, False, 32, [0, 4, 8, 13, 17, 22, 26, 31]),
        (8, False, 32, [0, 10, 20, 31]),
        (4, True, 32, [0, 4, 8, 12, 16, 20, 24, 28]),
        (8, True, 32, [0, 8, 16, 24]),
    ],
)
def test_frames_of_the_slow_pathway(alpha, from_first, frames, expected):
    clip = torch.arange(frames).reshape(1, 1, frames, 1, 1).expand(2, 3, frames, 2, 2)
    slow, fast = SplitPathways(alpha, from_first)(clip)
    assert slow[1, 2, :, 0, 1].tolist() == expected
    assert fast is clip


def test_the_fast_pathway_may_see_only_what_changes():
    clip = torch.full((1, 3, 4, 2, 2), 5.0)
    clip[0, 0, :, 0, 0] = torch.tensor([0.0, 1, 2, 9])
    slow, fast = SplitPathways(2, change=True)(clip)
    assert fast[0, 0, :, 0, 0].tolist() == [-3, -2, -1, 6]
    assert fast.abs().sum() == 12
    assert slow[0, 0, :, 0, 0].tolist() == [0, 9]


def test_one_pathway_is_the_clip():
    clip = torch.zeros(1, 3, 5, 2, 2)
    assert SplitPathways(1)(clip) == [clip]


def test_frames_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="30 frames do not divide by alpha = 4"):
        SplitPathways(4)(torch.zeros(1, 3, 30, 2, 2))
