"""VideoMix against a voxel-by-voxel version of the paper's equations, and against the oracle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ava_det.augment.videomix import (
    CUT_DIMENSIONS,
    Cuboid,
    VideoMix,
    draw_cuboids,
    pasted_share,
    visible,
    without,
)
from ava_det.model.pathways import SplitPathways

VARIANTS = list(CUT_DIMENSIONS)
# Mean pasted fraction after clipping with alpha = 1, in the continuum (derived; 2M draws agree).
ORACLE = {"spatial": 0.3208, "temporal": 0.4167, "spatiotemporal": 0.2437, "per_frame": 0.3208}
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.uint8]


def masks_of_the_paper(shape, variant, alpha, layers, rng):
    """Whether each voxel is in the cuboid of each layer, from the draws written out.

    lam ~ Beta; sides lam^(1/d) of the clip around a uniform centre; nearest voxel borders.
    """
    masks = []
    for _ in range(layers):
        lam = rng.beta(alpha, alpha)
        dims = {"temporal": 1, "spatiotemporal": 3}.get(variant, 2)
        mask = np.zeros(shape, bool)
        for frame in range(shape[0]) if variant == "per_frame" else [None]:
            ranges = []
            for d, size in enumerate(shape):
                cut = {"temporal": d == 0, "spatiotemporal": True}.get(variant, d > 0)
                low, high = (0, size) if frame is None or d else (frame, frame + 1)
                if cut:
                    center, side = rng.uniform(0, size), size * lam ** (1 / dims)
                    low, high = round(center - side / 2), round(center + side / 2)
                ranges.append((low, high))
            for voxel in np.ndindex(*shape):  # outside of the clip there is none: the clipping
                mask[voxel] |= all(a <= v < b for v, (a, b) in zip(voxel, ranges, strict=True))
        masks.append(mask)
    return masks


def mixed_by_voxels(clips, targets, masks, step):
    """x = M x_A + (1 - M) x_B of each layer on top of the last, and shares counted by voxels."""
    n, _, *shape = clips.shape
    mixed, counts = np.empty_like(clips), np.zeros((n, n))
    for i in range(n):
        for voxel in np.ndindex(*shape):
            source, partner = i, i
            for mask in masks:
                partner = step[partner]
                source = partner if mask[voxel] else source
            mixed[i][:, *voxel] = clips[source][:, *voxel]
            counts[i, source] += 1
    return mixed, counts / math.prod(shape) @ targets


@given(
    variant=st.sampled_from(VARIANTS),
    videos=st.integers(2, 4),
    alpha=st.sampled_from([0.2, 1.0, 2.0]),
    dtype=st.sampled_from(DTYPES),
    n=st.integers(1, 5),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)),
    given_permutation=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_equal_to_the_paper_voxel_by_voxel(
    variant, videos, alpha, dtype, n, shape, given_permutation, seed
):
    make = np.random.default_rng(seed)
    clips = torch.from_numpy(make.integers(0, 256, (n, 2, *shape))).to(dtype)
    targets = torch.from_numpy(make.dirichlet(np.ones(4), n))
    rng, again = np.random.default_rng(seed), np.random.default_rng(seed)
    again.random()  # whether this batch is mixed
    masks = masks_of_the_paper(shape, variant, alpha, videos - 1, again)
    step = make.permutation(n) if given_permutation else again.permutation(n)
    mixed, mixed_targets = VideoMix(variant, alpha, videos=videos)(
        clips, targets, rng, step if given_permutation else None
    )
    expected, expected_targets = mixed_by_voxels(
        clips.double().numpy(), targets.numpy(), masks, step.tolist()
    )
    assert mixed.dtype == dtype
    np.testing.assert_array_equal(mixed.double().numpy(), expected)
    np.testing.assert_allclose(mixed_targets.numpy(), expected_targets, atol=1e-12, rtol=0)
    np.testing.assert_allclose(mixed_targets.sum(1), 1, atol=1e-12)


@given(
    variant=st.sampled_from(VARIANTS),
    videos=st.integers(2, 4),
    n=st.integers(1, 6),
    t=st.integers(1, 9),
    h=st.integers(1, 12),
    w=st.integers(1, 12),
    seed=st.integers(0, 2**31),
)
def test_targets_are_the_exact_fraction_of_voxels(variant, videos, n, t, h, w, seed):
    torch.manual_seed(seed)
    clips = torch.arange(n).reshape(n, 1, 1, 1, 1).expand(n, 3, t, h, w).to(torch.uint8)
    targets = torch.eye(n, dtype=torch.float64)
    mixed, mixed_targets = VideoMix(variant, videos=videos)(clips, targets)
    assert (mixed == mixed[:, :1]).all(), "channels must move together"
    for i in range(n):
        counts = torch.bincount(mixed[i, 0].flatten(), minlength=n).double()
        torch.testing.assert_close(mixed_targets[i], counts / counts.sum(), atol=1e-12, rtol=0)


cuboids = st.builds(
    Cuboid, *(st.tuples(st.integers(0, 5), st.integers(0, 5)).map(sorted).map(tuple),) * 3
)


@given(cuboid=cuboids, other=cuboids)
def test_what_is_left_of_a_cuboid_is_disjoint_and_complete(cuboid, other):
    counts, expected = np.zeros((6, 6, 6), int), np.zeros((6, 6, 6), int)
    for part in without(cuboid, other):
        assert part.voxels() > 0
        counts[part.region()[1:]] += 1
    expected[cuboid.region()[1:]] = 1
    expected[other.region()[1:]] = 0
    np.testing.assert_array_equal(counts, expected)


@given(layers=st.lists(st.lists(cuboids, min_size=1, max_size=1), min_size=1, max_size=4))
def test_visible_parts_are_what_painting_leaves(layers):
    painted, pasted = np.zeros((6, 6, 6), int), np.zeros((6, 6, 6), int)
    for k, (cuboid,) in enumerate(layers):
        painted[cuboid.region()[1:]] = k + 1
    for k, parts in enumerate(visible(layers)):
        for part in parts:
            assert not pasted[part.region()[1:]].any(), "disjoint"
            pasted[part.region()[1:]] = k + 1
    np.testing.assert_array_equal(pasted, painted)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_mean_pasted_fraction_agrees_with_the_oracle(variant):
    rng = np.random.default_rng(0)
    shape = (1000, 1000, 1000)  # large, so that rounding to voxels shifts nothing
    draws = 30_000
    if variant == "per_frame":
        shape, draws = (4, 1000, 1000), 8_000
    fractions = [pasted_share(draw_cuboids(shape, variant, 1.0, rng), shape) for _ in range(draws)]
    error = np.std(fractions) / np.sqrt(len(fractions))
    assert abs(np.mean(fractions) - ORACLE[variant]) < 4 * error + 1e-4


def fractions_in_the_continuum(cut, frames, alpha, count, clipped=True, roots=None):
    """Pasted fractions by the definition: sides lam^(1/d) around uniform centres in a unit clip."""
    rng = np.random.default_rng(1)
    sides = rng.beta(alpha, alpha, count)[:, None, None] ** (1 / (roots or cut))
    centers = rng.random((count, frames, cut))
    low, high = centers - sides / 2, centers + sides / 2
    if clipped:
        low, high = low.clip(0, 1), high.clip(0, 1)
    return (high - low).prod(2).mean(1)


def distance(a, b):
    """Kolmogorov's and Smirnov's: the largest difference of two empirical distributions."""
    points = np.sort(np.concatenate([a, b]))
    parts = [np.searchsorted(np.sort(x), points, side="right") / len(x) for x in (a, b)]
    return np.abs(parts[0] - parts[1]).max()


def bound(*counts):
    """What it exceeds by chance in less than one case of a million.

    Each sample is within sqrt(log(2 / p) / 2n) of the truth but for a share p of the cases
    (Dvoretzky, Kiefer and Wolfowitz, with Massart's constant), and p is 5e-7 for each of two. With
    alpha = 0.2, a share of 0.0005 is too small for a voxel of 1e15.
    """
    return sum(math.sqrt(math.log(2 / 5e-7) / (2 * count)) for count in counts) + 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.0])
@pytest.mark.parametrize(
    ("variant", "cut", "frames", "shape"),
    [
        ("spatial", 2, 1, (1, 30_000_000, 30_000_000)),
        ("temporal", 1, 1, (10**15, 1, 1)),
        ("spatiotemporal", 3, 1, (100_000, 100_000, 100_000)),
        ("per_frame", 2, 4, (4, 30_000_000, 30_000_000)),
    ],
)
def test_distribution_of_the_pasted_fraction(variant, cut, frames, shape, alpha):
    """Not its mean alone; and the bound tells it from what a mistake would make of it."""
    rng, draws, count = np.random.default_rng(0), 6_000, 200_000
    drawn = np.array(
        [pasted_share(draw_cuboids(shape, variant, alpha, rng), shape) for _ in range(draws)]
    )
    expected = fractions_in_the_continuum(cut, frames, alpha, count)
    assert distance(drawn, expected) < bound(draws, count)
    for mistake in ({"clipped": False}, {"alpha": 2 * alpha}, {"roots": cut + 1}):
        wrong = fractions_in_the_continuum(
            **{"cut": cut, "frames": frames, "alpha": alpha, "count": count, **mistake}
        )
        assert distance(drawn, wrong) > bound(draws, count), mistake


def test_every_frame_has_a_box_of_its_own():
    cuboids = draw_cuboids((16, 100, 100), "per_frame", 1.0, np.random.default_rng(3))
    assert [cuboid.t for cuboid in cuboids] == [(t, t + 1) for t in range(16)]
    assert len({(cuboid.h, cuboid.w) for cuboid in cuboids}) > 10


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_pathways_see_one_mix(variant):
    """Each voxel of the slow pathway came from the clip that it came from in the fast one."""
    clips = torch.arange(4).reshape(4, 1, 1, 1, 1).expand(4, 3, 16, 12, 12).float()
    mixed, _ = VideoMix(variant)(clips, torch.eye(4), np.random.default_rng(1))
    split = SplitPathways(alpha=4)
    slow, fast = split(mixed)
    assert not torch.equal(mixed, clips)
    torch.testing.assert_close(slow, fast[:, :, split.slow_indices(16)], atol=0, rtol=0)


@pytest.mark.parametrize(
    "bad",
    [
        {"variant": "diagonal"},
        *({"alpha": 0}, {"alpha": "abc"}, {"alpha": float("inf")}),
        {"probability": 1.5},
        *({"videos": 1}, {"videos": 2.5}),
    ],
)
def test_bad_settings_are_refused(bad):
    with pytest.raises(ValueError, match=str(next(iter(bad.values())))):
        VideoMix(**bad)
