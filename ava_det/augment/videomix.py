"""VideoMix (Yun et al., arXiv 2012.03457): a cuboid of another clip, and its share of the label.

Shapes: N clips, C channels, T frames, H W pixels, K classes.
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

Variant = Literal["spatial", "temporal", "spatiotemporal"]

# The dimensions (of T, H, W) that the cuboid cuts; it spans the others whole.
CUT_DIMENSIONS: dict[str, tuple[int, ...]] = {
    "spatial": (1, 2),
    "temporal": (0,),
    "spatiotemporal": (0, 1, 2),
}


class Cuboid(NamedTuple):
    """Half-open ranges (start, stop) of frames, rows and columns, within the clip."""

    t: tuple[int, int]
    h: tuple[int, int]
    w: tuple[int, int]

    def region(self) -> tuple[slice, ...]:
        """Index of the cuboid in one clip (C, T, H, W)."""
        return (slice(None), *(slice(*side) for side in self))

    def fraction(self, shape: tuple[int, int, int]) -> float:
        """Exact share of the voxels of a clip of `shape` (T, H, W)."""
        inside = np.prod([stop - start for start, stop in self])
        return float(inside / np.prod(shape))


def draw_cuboid(
    shape: tuple[int, int, int], variant: Variant, alpha: float, rng: np.random.Generator
) -> Cuboid:
    """Draw lam ~ Beta(alpha, alpha), then a cuboid of lam of the clip, cut at the clip's borders.

    Each of the d cut dimensions has a side of lam^(1/d) of the clip and a uniform centre (VideoMix,
    section 3.1; the pseudo-code's `clip` and its swapped targets are errors of the paper).

    Args:
        shape: (T, H, W) of the clips.
        variant: which dimensions are cut.
        alpha: parameter of the Beta distribution.
        rng: source of all draws.
    """
    cut = CUT_DIMENSIONS[variant]
    share = rng.beta(alpha, alpha) ** (1 / len(cut))
    sides = [(0, size) for size in shape]
    for dimension in cut:
        size = shape[dimension]
        center, half = rng.uniform(0, size), share * size / 2
        start, stop = np.clip(np.rint((center - half, center + half)), 0, size).astype(int)
        sides[dimension] = (int(start), int(stop))
    return Cuboid(*sides)


def paste(clips: Tensor, partners: Tensor, cuboid: Cuboid) -> Tensor:
    """Copy of `clips` (N, C, T, H, W) with `cuboid` taken from clip `partners[n]`.

    One buffer of the batch's size is made, nothing more.
    """
    mixed = clips.clone()
    for n, partner in enumerate(partners.tolist()):
        mixed[n][cuboid.region()] = clips[partner][cuboid.region()]
    return mixed


class VideoMix:
    """Mix each clip of a batch with another one; one cuboid an iteration, shared by the batch.

    Call it on clips before the pathway split, so that all pathways see one mix, in training only.
    The draws follow torch's global seed.

    Args:
        variant: "spatial" (the paper's default), "temporal" or "spatiotemporal".
        alpha: parameter of the Beta distribution.
        probability: share of the batches that are mixed.
    """

    def __init__(
        self, variant: Variant = "spatial", alpha: float = 1.0, probability: float = 1.0
    ) -> None:
        if variant not in CUT_DIMENSIONS:
            raise ValueError(f"variant {variant!r} is none of {', '.join(CUT_DIMENSIONS)}")
        if not alpha > 0 or not 0 <= probability <= 1:
            raise ValueError(f"alpha {alpha} must be positive, probability {probability} in [0, 1]")
        self.variant, self.alpha, self.probability = variant, alpha, probability

    def __call__(self, clips: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mixed clips and targets; the arguments stay as they are.

        Args:
            clips: (N, C, T, H, W), any dtype.
            targets: (N, K), one-hot or any distribution over classes.

        Returns:
            Clips of the same shape and dtype, and float targets (N, K): the partner's share is the
            exact fraction of voxels that come from it (VideoMix, eq. 1 and 2).
        """
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        targets = targets if targets.is_floating_point() else targets.float()
        if rng.random() >= self.probability:
            return clips, targets
        t, h, w = clips.shape[2:]
        cuboid = draw_cuboid((t, h, w), self.variant, self.alpha, rng)
        partners = torch.from_numpy(rng.permutation(len(clips)))
        share = cuboid.fraction((t, h, w))
        mixed_targets = (1 - share) * targets + share * targets[partners.to(targets.device)]
        return paste(clips, partners, cuboid), mixed_targets

    def __repr__(self) -> str:
        return f"VideoMix({self.variant!r}, alpha={self.alpha}, probability={self.probability})"
