"""VideoMix (Yun et al., arXiv 2012.03457): a cuboid of another clip, and its share of the label.

Shapes: N clips, C channels, T frames, H W pixels, K classes.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from torch import Tensor

from ava_det.augment.mixes import Mix, along_cycles, positive, side_of
from ava_det.formats.nearest import meant

Variant = Literal["spatial", "temporal", "spatiotemporal", "per_frame"]

# The dimensions (of T, H, W) that the cuboid cuts; it spans the others whole.
CUT_DIMENSIONS: dict[str, tuple[int, ...]] = {
    "spatial": (1, 2),
    "temporal": (0,),
    "spatiotemporal": (0, 1, 2),
    "per_frame": (1, 2),
}


class Cuboid(NamedTuple):
    """Half-open ranges (start, stop) of frames, rows and columns, within the clip."""

    t: tuple[int, int]
    h: tuple[int, int]
    w: tuple[int, int]

    def region(self) -> tuple[slice, ...]:
        """Index of the cuboid in one clip (C, T, H, W)."""
        return (slice(None), *(slice(*side) for side in self))

    def voxels(self) -> int:
        """How many voxels are inside."""
        return int(np.prod([max(0, stop - start) for start, stop in self]))

    def fraction(self, shape: Sequence[int]) -> float:
        """Exact share of the voxels of a clip of `shape` (T, H, W)."""
        return float(self.voxels() / np.prod(shape))

    def without(self, other: "Cuboid") -> list["Cuboid"]:
        """What `other` leaves of this one: at most six disjoint cuboids, none of them empty."""
        parts, rest = [], self
        for name, (start, stop) in other._asdict().items():
            low, high = getattr(rest, name)
            first, last = min(max(start, low), high), min(max(stop, low), high)
            parts += [rest._replace(**{name: side}) for side in ((low, first), (last, high))]
            rest = rest._replace(**{name: (first, last)})
        if not rest.voxels():
            parts = [self]
        return [part for part in parts if part.voxels()]


def draw_cuboids(
    shape: Sequence[int], variant: Variant, alpha: float, rng: np.random.Generator
) -> list[Cuboid]:
    """Draw lam ~ Beta(alpha, alpha), then a cuboid of lam of the clip, cut at the clip's borders.

    Each of the d cut dimensions has a side of lam^(1/d) of the clip and a uniform centre (VideoMix,
    section 3.1; the pseudo-code's `clip` and its swapped targets are errors of the paper).

    Args:
        shape: (T, H, W) of the clips.
        variant: which dimensions are cut; "per_frame" draws a new centre for every frame.
        alpha: parameter of the Beta distribution.
        rng: source of all draws.

    Returns:
        One cuboid, or one of a single frame for each frame.
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


class VideoMix(Mix):
    """Mix each clip of a batch with others; one cuboid an iteration, shared by the batch.

    The partner's share of the target is the exact fraction of voxels that come from it (VideoMix,
    eq. 1 and 2). With more than two videos, a cuboid of each further one is pasted over what is
    there: partner k of clip n is clip `permutation^k(n)`, and a target's share is what is left to
    be seen of its clip. What the paper calls CutMix is the "spatiotemporal" variant.

    Args:
        variant: "spatial" (the paper's default), "temporal", "spatiotemporal" or "per_frame": a
            box of one size at a new place in every frame.
        alpha: parameter of the Beta distribution.
        probability: share of the batches that are mixed.
        videos: that a mixed clip is made of, at least 2.
        num_classes: K, needed where targets are class indices.
    """

    def __init__(
        self,
        variant: Variant = "spatial",
        alpha: float = 1.0,
        probability: float = 1.0,
        videos: int = 2,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(probability, num_classes)
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
    ) -> Tensor:
        """Paste the partners' cuboids in place; see `Mix.mix`."""
        shape = clips.shape[2:]
        layers = [
            draw_cuboids(shape, self.variant, self.alpha, rng) for _ in range(self.videos - 1)
        ]
        step = rng.permutation(len(clips)).tolist() if permutation is None else permutation
        mixed, left, partners = 0, 1.0, list(range(len(clips)))
        for cuboids in visible(layers):
            partners = [step[partner] for partner in partners]
            for cuboid in cuboids:
                for clip, partner in along_cycles(clips[:, *cuboid.region()], partners):
                    clip.copy_(partner)
            share = sum(cuboid.voxels() for cuboid in cuboids) / shape.numel()
            mixed, left = mixed + share * targets[partners], left - share
        return left * targets + mixed

    def __repr__(self) -> str:
        return (
            f"VideoMix({self.variant!r}, alpha={self.alpha}, probability={self.probability}, "
            f"videos={self.videos})"
        )


def visible(layers: Sequence[Sequence[Cuboid]]) -> list[list[Cuboid]]:
    """What the later layers leave to be seen of each: disjoint cuboids, which any order may paste.

    Args:
        layers: of disjoint cuboids, each pasted over those before it.
    """
    seen: list[list[Cuboid]] = []
    for k, cuboids in enumerate(layers):
        parts = list(cuboids)
        for over in (cuboid for later in layers[k + 1 :] for cuboid in later):
            parts = [left for part in parts for left in part.without(over)]
        seen.append([part for part in parts if part.voxels()])
    return seen
