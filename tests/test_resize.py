"""The resize without torch is torchvision's, within a grey level."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from ava_det.resize import resize_short_side, short_side_size
from ava_det.video.video import Video


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 512))
def test_sizes_are_those_of_torchvision(height, width, side):
    blank = torch.empty(3, height, width, device="meta")
    resized = v2.functional.resize(blank, [side])
    assert short_side_size(height, width, side) == tuple(resized.shape[1:])


@pytest.mark.parametrize("name", ["mmaction2_demo.mp4", "pedestrians_768x576_10fps.avi"])
@pytest.mark.parametrize("side", [80, 112, 192, 256, 480])
def test_real_frames_are_resized_as_torchvision_does(shared, name, side):
    with Video(shared / "data" / "videos" / name) as video:
        frames = video.frames(video.frame_times[:3])
    theirs = v2.Resize(side, antialias=True)(torch.from_numpy(frames).permute(0, 3, 1, 2))
    ours = np.stack([resize_short_side(frame, side) for frame in frames])
    difference = np.abs(ours.astype(int) - theirs.permute(0, 2, 3, 1).numpy())
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_an_even_picture_stays_even_and_a_fitting_one_itself():
    grey = np.full((90, 161, 3), (1, 100, 254), np.uint8)
    small = resize_short_side(grey, 45)
    assert small.shape == (45, 80, 3)
    assert (small == (1, 100, 254)).all()
    assert resize_short_side(grey, 90) is grey
    assert resize_short_side(grey[:, ::-1, ::-1].transpose(1, 0, 2), 45).shape == (80, 45, 3)
