"""What is drawn; what is made of it is compared in `tests/data/test_pyslowfast_ava.py`."""

import pytest
import torch

from ava_det.augment import pyslowfast


@pytest.mark.parametrize(("height", "width"), [(60, 80), (80, 60), (64, 64)])
def test_the_draws_of_training(monkeypatch, height, width):
    """Sides from the whole range, the smaller ones more often; crops inside; half are mirrored."""
    sides, mirrored, resize, flip = [], [], pyslowfast.resize, pyslowfast.flip

    def resized(video, boxes, size):
        sides.append(size)
        return resize(video, boxes, size)

    def flipped(video, boxes):
        mirrored.append(True)
        return flip(video, boxes)

    monkeypatch.setattr(pyslowfast, "resize", resized)
    monkeypatch.setattr(pyslowfast, "flip", flipped)
    torch.manual_seed(0)
    transform, count = pyslowfast.JitterCrop(32, 48, 32), 400
    for _ in range(count):
        video = torch.zeros(1, 3, height, width, dtype=torch.uint8)
        clip, boxes = transform(video, torch.tensor([[5.0, 6, 50, 55]]))
        assert clip.shape == (1, 3, 32, 32)
        assert boxes.min() >= 0
        assert boxes.max() <= 31
    assert (min(sides), max(sides)) == (32, 48)
    # 1 / side is uniform: its mean is that of 1/32 and 1/48. Six standard errors.
    assert sum(1 / side for side in sides) / count == pytest.approx(5 / 192, abs=1e-3)
    assert len(mirrored) == pytest.approx(count / 2, abs=60)
