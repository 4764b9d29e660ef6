"""VideoMix (Yun et al., arXiv 2012.03457): paste a cuboid of another clip, and share the label.

`VideoMix` mixes two videos, as the paper does by default. The last section of this module has the
general case of three and more.

Shapes: N clips, C channels, T frames, H W pixels, K classes.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from torch import Tensor

from ava_det.augment.mixes import Mix, along_cycles, positive, side_of
from ava_det.formats.nearest import meant

Variant = Literal["spatial", "temporal", "spatiotemporal", "per_frame"]

# The dimensions (of T, H, W) that the cuboid cuts. It spans the other ones whole.
CUT_DIMENSIONS: dict[str, tuple[int, ...]] = {
    "spatial": (1, 2),  # S-VideoMix
    "temporal": (0,),  # T-VideoMix
    "spatiotemporal": (0, 1, 2),  # ST-VideoMix
    "per_frame": (1, 2),
}


class VideoMix(Mix):
    """Paste a cuboid of another clip of the batch into each clip.

    The partner of a clip is another clip of the batch, by a random permutation. One lam and one
    cuboid M are drawn for the whole batch. With x_A the partner and x_B the clip (eq. 1 and 2):

        x = M * x_A + (1 - M) * x_B
        y = lam * y_A + (1 - lam) * y_B,  lam = sum(M) / (T * H * W)

    The lam of the label is the exact fraction of voxels inside the cuboid, after it is cut at the
    borders of the clip.

    >>> import torch
    >>> from ava_det import VideoMix
    >>> clips, targets = torch.rand(4, 3, 8, 32, 32), torch.eye(4)  # 4 clips, each of a class
    >>> mixed, shares = VideoMix()(clips, targets, np.random.default_rng(0))
    >>> mixed.shape, shares.sum(1).tolist()
    (torch.Size([4, 3, 8, 32, 32]), [1.0, 1.0, 1.0, 1.0])

    Args:
        variant: "spatial" (the default of the paper), "temporal", "spatiotemporal" (the paper calls
            it CutMix too) or "per_frame", which draws a new place of the box in every frame.
        alpha: Parameter of the Beta distribution that lam is drawn from.
        probability: Share of the batches that are mixed.
        videos: Number of videos in a mixed clip, at least 2.
    """

    def __init__(
        self,
        variant: Variant = "spatial",
        alpha: float = 1.0,
        probability: float = 1.0,
        videos: int = 2,
    ) -> None:
        super().__init__(probability)
        if variant not in CUT_DIMENSIONS:
            known = ", ".join(CUT_DIMENSIONS) + meant(str(variant), CUT_DIMENSIONS)
            raise ValueError(f"variant {variant!r} is none of {known}")
        if not isinstance(videos, int) or videos < 2:
            raise ValueError(f"videos {videos}: a mix needs a whole number of them, 2 at least")
        self.variant, self.alpha, self.videos = variant, positive("alpha", alpha), videos

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
        numbers: Sequence[int],
    ) -> Tensor:
        """Paste the cuboids of the partners in place; see `Mix.mix`."""
        if self.videos > 2:
            return self._mix_many(clips, targets, rng, permutation)
        shape = clips.shape[2:]
        cuboids = draw_cuboids(shape, self.variant, self.alpha, rng)
        partners = rng.permutation(len(clips)).tolist() if permutation is None else permutation
        paste(clips, cuboids, partners)
        lam = pasted_share(cuboids, shape)
        return (1 - lam) * targets + lam * targets[partners]

    def _mix_many(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
    ) -> Tensor:
        """Paste a cuboid of each further video over what was pasted before.

        Partner k of clip n is clip `permutation^k(n)`. The share of a video in the target is the
        fraction of voxels in which that video can be seen at the end.
        """
        shape = clips.shape[2:]
        layers = [
            draw_cuboids(shape, self.variant, self.alpha, rng) for _ in range(self.videos - 1)
        ]
        step = rng.permutation(len(clips)).tolist() if permutation is None else permutation
        mixed, left, partners = 0, 1.0, list(range(len(clips)))
        for cuboids in visible(layers):
            partners = [step[partner] for partner in partners]
            paste(clips, cuboids, partners)
            share = pasted_share(cuboids, shape)
            mixed, left = mixed + share * targets[partners], left - share
        return left * targets + mixed

    def __repr__(self) -> str:
        return (
            f"VideoMix({self.variant!r}, alpha={self.alpha}, probability={self.probability}, "
            f"videos={self.videos})"
        )


class Cuboid(NamedTuple):
    """Half-open ranges (start, stop) of frames, rows and columns, within the clip."""

    t: tuple[int, int]
    h: tuple[int, int]
    w: tuple[int, int]

    def region(self) -> tuple[slice, ...]:
        """Index of the cuboid in one clip (C, T, H, W)."""
        return (slice(None), *(slice(*side) for side in self))

    def voxels(self) -> int:
        """Return the number of voxels inside."""
        return int(np.prod([max(0, stop - start) for start, stop in self]))


def draw_cuboids(
    shape: Sequence[int], variant: Variant, alpha: float, rng: np.random.Generator
) -> list[Cuboid]:
    """Draw lam ~ Beta(alpha, alpha), then a cuboid of that share of the clip.

    With d dimensions to cut, each of the d sides is lam^(1/d) of the clip, and the centre is
    uniform (section 3.1). The cuboid is cut at the borders of the clip. The pseudo-code of the
    paper has two errors that are not copied here: its `clip`, and targets that are swapped.

    Args:
        shape: (T, H, W) of the clips.
        variant: Which dimensions are cut. "per_frame" draws a new centre for every frame.
        alpha: Parameter of the Beta distribution.
        rng: Source of all draws.

    Returns:
        One cuboid; for "per_frame" a cuboid of a single frame for each frame.
    """
    cut = CUT_DIMENSIONS[variant]
    share = rng.beta(alpha, alpha) ** (1 / len(cut))
    spans = [(t, t + 1) for t in range(shape[0])] if variant == "per_frame" else [(0, shape[0])]
    cuboids = []
    for span in spans:
        sides = [span, (0, shape[1]), (0, shape[2])]
        for dimension in cut:
            sides[dimension] = side_of(shape[dimension], share, rng)
        cuboids.append(Cuboid(*sides))
    return cuboids


def paste(clips: Tensor, cuboids: Sequence[Cuboid], partners: Sequence[int]) -> None:
    """Copy the cuboids of clip `partners[n]` into each clip n of (N, C, T, H, W), in place."""
    for cuboid in cuboids:
        for clip, partner in along_cycles(clips[:, *cuboid.region()], partners):
            clip.copy_(partner)


def pasted_share(cuboids: Sequence[Cuboid], shape: Sequence[int]) -> float:
    """Return the share of the voxels of a clip of `shape` (T, H, W) inside disjoint cuboids."""
    return float(sum(cuboid.voxels() for cuboid in cuboids) / np.prod(shape))


# More than two videos: later cuboids cover earlier ones.


def visible(layers: Sequence[Sequence[Cuboid]]) -> list[list[Cuboid]]:
    """Cut from each layer what the later layers cover.

    Args:
        layers: Layers of disjoint cuboids, each pasted over the layers before it.

    Returns:
        For each layer the disjoint cuboids that stay visible. They may be pasted in any order.
    """
    seen: list[list[Cuboid]] = []
    for k, cuboids in enumerate(layers):
        parts = list(cuboids)
        for over in (cuboid for later in layers[k + 1 :] for cuboid in later):
            parts = [left for part in parts for left in without(part, over)]
        seen.append([part for part in parts if part.voxels()])
    return seen


def without(cuboid: Cuboid, other: Cuboid) -> list[Cuboid]:
    """Cut `other` from a cuboid: at most six disjoint cuboids remain, none of them empty."""
    parts, rest = [], cuboid
    for name, (start, stop) in other._asdict().items():
        low, high = getattr(rest, name)
        first, last = min(max(start, low), high), min(max(stop, low), high)
        parts += [rest._replace(**{name: side}) for side in ((low, first), (last, high))]
        rest = rest._replace(**{name: (first, last)})
    if not rest.voxels():
        parts = [cuboid]
    return [part for part in parts if part.voxels()]
