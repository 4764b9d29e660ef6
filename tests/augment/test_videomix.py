"""VideoMix against a voxel-by-voxel version of the paper's equations, and against the oracle."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ava_det.augment.videomix import CUT_DIMENSIONS, VideoMix, draw_cuboid
from ava_det.model.pathways import SplitPathways

VARIANTS = list(CUT_DIMENSIONS)
# Mean pasted fraction after clipping with alpha = 1, in the continuum (paper.md).
ORACLE = {"spatial": 0.3208, "temporal": 0.4167, "spatiotemporal": 0.2437}


def origin_of_voxels(clips: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
    """(N, T, H, W) of the batch index that each voxel came from; clip n is filled with n."""
    assert (mixed == mixed[:, :1]).all(), "channels must move together"
    return mixed[:, 0].long()


@given(
    variant=st.sampled_from(VARIANTS),
    n=st.integers(1, 5),
    t=st.integers(1, 9),
    h=st.integers(1, 12),
    w=st.integers(1, 12),
    seed=st.integers(0, 2**31),
)
def test_targets_are_the_exact_fraction_of_voxels(variant, n, t, h, w, seed):
    torch.manual_seed(seed)
    clips = torch.arange(n).reshape(n, 1, 1, 1, 1).expand(n, 3, t, h, w).to(torch.uint8)
    targets = torch.eye(n, dtype=torch.float64)
    mixed, mixed_targets = VideoMix(variant)(clips, targets)
    origin = origin_of_voxels(clips, mixed)
    for i in range(n):
        counts = torch.bincount(origin[i].flatten(), minlength=n).double()
        torch.testing.assert_close(mixed_targets[i], counts / counts.sum(), atol=1e-12, rtol=0)


@given(variant=st.sampled_from(VARIANTS), seed=st.integers(0, 2**31))
def test_the_pasted_part_is_one_cuboid_shared_by_the_batch(variant, seed):
    torch.manual_seed(seed)
    n, shape = 3, (6, 8, 10)
    clips = torch.arange(n).reshape(n, 1, 1, 1, 1).expand(n, 2, *shape).float()
    mixed, _ = VideoMix(variant)(clips, torch.eye(n))
    pasted = torch.zeros(shape, dtype=torch.bool)
    for i in range(n):
        pasted |= origin_of_voxels(clips, mixed)[i] != i
    for i in range(n):
        assert len(origin_of_voxels(clips, mixed)[i][pasted].unique()) <= 1, "one partner a clip"
    # A cuboid is the product of its projections, and spans what the variant does not cut.
    t, h, w = pasted.any(2).any(1), pasted.any(2).any(0), pasted.any(1).any(0)
    assert torch.equal(pasted, t[:, None, None] & h[None, :, None] & w[None, None, :])
    for dimension, projection in enumerate((t, h, w)):
        if dimension not in CUT_DIMENSIONS[variant] and pasted.any():
            assert projection.all()
        inside = projection.nonzero().flatten()
        assert len(inside) == 0 or inside[-1] - inside[0] + 1 == len(inside)


@pytest.mark.parametrize("variant", VARIANTS)
def test_mean_pasted_fraction_agrees_with_the_oracle(variant):
    rng = np.random.default_rng(0)
    shape = (1000, 1000, 1000)  # large, so that rounding to voxels shifts nothing
    fractions = [draw_cuboid(shape, variant, 1.0, rng).fraction(shape) for _ in range(60_000)]
    error = np.std(fractions) / np.sqrt(len(fractions))
    assert abs(np.mean(fractions) - ORACLE[variant]) < 4 * error + 1e-3


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.0])
def test_sides_are_a_root_of_a_beta_draw(alpha):
    """The draws written out: a Beta variable, then a uniform centre for each dimension."""
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(200):
        cuboid = draw_cuboid((16, 900, 900), "spatial", alpha, rng)
        side = np.sqrt(again.beta(alpha, alpha)) * 900
        for start, stop in cuboid[1:]:
            center = again.uniform(0, 900)
            low, high = max(center - side / 2, 0), min(center + side / 2, 900)
            assert abs(start - low) <= 0.5 + 1e-9
            assert abs(stop - high) <= 0.5 + 1e-9


def test_both_pathways_see_one_mix():
    torch.manual_seed(1)
    clips = torch.rand(4, 3, 16, 12, 12)
    mixed, _ = VideoMix("spatial")(clips, torch.eye(4))
    split = SplitPathways(alpha=4)
    slow, fast = split(mixed)
    assert not torch.equal(mixed, clips)
    torch.testing.assert_close(slow, fast[:, :, split.slow_indices(16)], atol=0, rtol=0)


def test_arguments_stay_as_they_are_and_the_seed_decides():
    clips, targets = torch.rand(4, 3, 8, 16, 16), torch.eye(4)
    before = clips.clone()
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(VideoMix()(clips, targets))
    torch.testing.assert_close(clips, before, atol=0, rtol=0)
    torch.testing.assert_close(results[0], results[1], atol=0, rtol=0)


def test_probability_is_the_share_of_mixed_batches():
    torch.manual_seed(0)
    clips = torch.rand(2, 1, 2, 16, 16)
    mix = VideoMix(probability=0.25)
    mixed = sum(mix(clips, torch.eye(2))[0] is not clips for _ in range(2000))
    assert 400 < mixed < 600


@pytest.mark.parametrize("bad", [{"variant": "diagonal"}, {"alpha": 0}, {"probability": 1.5}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(ValueError, match=str(next(iter(bad.values())))):
        VideoMix(**bad)
