"""What happens to a batch of clips and its labels: one callable shape that configs swap and stack.

A mix takes clips (N, C, T, H, W) and targets and returns both; VideoMix is in
`ava_det.augment.videomix`. Call it before the pathway split, so that all pathways see one mix, in
training only. Label smoothing is not here but in the criterion: it commutes with mixing.

Several processes agree on what they draw if each is handed a generator of the same state, such as
`np.random.default_rng((seed, iteration))`: box and share are then the same everywhere, and so is
the permutation where batches are equally long. What Cutout and RandAugment draw for every clip is
keyed by its number among the clips of all processes (`own_generators`).

Shapes: N clips, C channels, T frames, H W pixels, K classes.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from detectron2.utils import comm
from torch import Tensor
from torch.nn import functional as F
from torchvision import tv_tensors
from torchvision.transforms import v2

GREY = 115  # of uint8 clips; what the usual normalisation takes to zero


class Mix(ABC):
    """A mix of the clips of a batch, or of each clip alone.

    Args:
        probability: share of the batches that are mixed.
        num_classes: K, needed where targets are class indices.
    """

    def __init__(self, probability: float = 1.0, num_classes: int | None = None):
        if not 0 <= probability <= 1:
            raise ValueError(f"probability {probability} is not in [0, 1]")
        self.probability, self.num_classes = probability, num_classes

    def __call__(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator | None = None,
        permutation: Sequence[int] | Tensor | None = None,
        overwrite: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Mixed clips and targets.

        Args:
            clips: (N, C, T, H, W), uint8 or any float type.
            targets: (N,) class indices, or (N, K): one-hot, multi-hot or any distribution.
            rng: source of all draws; by default it follows torch's global seed.
            permutation: clip n is mixed with clip `permutation[n]`; by default it is drawn.
            overwrite: write into `clips` in place of a copy of them, which is the only one made.

        Returns:
            Clips of the same shape and type, and targets (N, K) of float32, or float64 if they
            came as such.

        Raises:
            ValueError: what does not fit together.
        """
        if clips.ndim != 5 or len(targets) != len(clips):
            raise ValueError(
                f"clips {tuple(clips.shape)} and targets {tuple(targets.shape)}: "
                "(N, C, T, H, W) and N targets are needed"
            )
        shares = as_distributions(targets, self.num_classes)
        if rng is None:
            rng = np.random.default_rng(int(torch.randint(2**62, ())))
        if rng.random() >= self.probability:
            return clips, shares
        partners = None if permutation is None else as_permutation(permutation, len(clips))
        mixed = clips if overwrite else clips.clone()
        return mixed, self.mix(mixed, shares, rng, partners)

    @abstractmethod
    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
    ) -> Tensor:
        """Mix clips (N, C, T, H, W) in place; return their new targets (N, K)."""


class Mixup(Mix):
    """Mixup (Zhang et al., arXiv 1710.09412): x = (1 - lam) x_A + lam x_B, and so the targets.

    One lam ~ Beta(alpha, alpha) is drawn an iteration. It needs float clips.

    Args:
        alpha: parameter of the Beta distribution.
        probability: as for every `Mix`.
        num_classes: as for every `Mix`.
    """

    def __init__(
        self, alpha: float = 1.0, probability: float = 1.0, num_classes: int | None = None
    ):
        super().__init__(probability, num_classes)
        self.alpha = positive("alpha", alpha)

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
    ) -> Tensor:
        """Blend clips in place; see `Mix.mix`."""
        if not clips.is_floating_point():
            raise ValueError(f"Mixup of {clips.dtype} clips; it needs floats")
        lam = float(rng.beta(self.alpha, self.alpha))
        partners = rng.permutation(len(clips)).tolist() if permutation is None else permutation
        for clip, partner in along_cycles(clips, partners):
            clip.lerp_(partner, lam)
        return (1 - lam) * targets + lam * targets[partners]


class Cutout(Mix):
    """Cutout (DeVries and Taylor, arXiv 1708.04552), a cuboid: part of each clip is blanked.

    Each clip has its own, with a uniform centre and cut at the clip's borders. The targets stay.

    Args:
        share: sides of the cuboid as shares of (T, H, W). The default is VideoMix's: 112 x 112 of
            224 x 224 pixels, in all frames.
        fill: what is filled in; None is the usual normalisation's mean: 0 in float clips and 115
            in uint8 ones.
        probability: as for every `Mix`.
        num_classes: as for every `Mix`.
    """

    def __init__(
        self,
        share: Sequence[float] = (1.0, 0.5, 0.5),
        fill: float | None = None,
        probability: float = 1.0,
        num_classes: int | None = None,
    ):
        super().__init__(probability, num_classes)
        if len(share) != 3 or not all(0 < side <= 1 for side in share):
            raise ValueError(f"share {tuple(share)} must be three numbers in (0, 1]")
        self.share, self.fill = tuple(share), fill

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
    ) -> Tensor:
        """Blank a cuboid of every clip in place; see `Mix.mix`."""
        fill = self.fill
        if fill is None:
            fill = 0 if clips.is_floating_point() else GREY
        for clip, own in zip(clips, own_generators(len(clips), rng), strict=True):
            sides = [
                (0, size) if share == 1 else side_of(size, share, own)
                for size, share in zip(clip.shape[1:], self.share, strict=True)
            ]
            clip[(slice(None), *(slice(*side) for side in sides))] = fill
        return targets


class RandAugment(Mix):
    """RandAugment (Cubuk et al., arXiv 1909.13719) by torchvision: one draw for a clip's frames.

    It works on bytes: a float clip is taken for a normalised one, made bytes and normalised again.
    So in a stack it comes first, on clips that are bytes but for their scale.

    Args:
        num_ops: operations, one after another.
        magnitude: of 0 to 30.
        mean: of the pixels / 255, a value a channel, that float clips are normalised by.
        std: of the pixels / 255, a value a channel, likewise.
        probability: as for every `Mix`.
        num_classes: as for every `Mix`.
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        mean: Sequence[float] = (0.45, 0.45, 0.45),
        std: Sequence[float] = (0.225, 0.225, 0.225),
        probability: float = 1.0,
        num_classes: int | None = None,
    ):
        super().__init__(probability, num_classes)
        if not 0 <= magnitude <= 30:
            raise ValueError(f"magnitude {magnitude} is not in 0 to 30")
        self.mean, self.std = tuple(mean), tuple(std)
        # torchvision's own default, the nearest pixel, leaves jagged edges.
        smooth = v2.InterpolationMode.BILINEAR
        self.augment = v2.RandAugment(num_ops, magnitude, interpolation=smooth, fill=GREY)

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
    ) -> Tensor:
        """Augment every clip in place by draws of its own; see `Mix.mix`."""
        with torch.random.fork_rng(devices=()):  # torchvision draws from the CPU's generator
            for clip, own in zip(clips, own_generators(len(clips), rng), strict=True):
                # Not torch.manual_seed, which seeds CUDA's generators, too: nothing restores them.
                torch.default_generator.manual_seed(int(own.integers(2**62)))
                if clip.dtype == torch.uint8:
                    clip.copy_(self._augmented(clip))
                else:
                    clip.copy_(self._normalized(self._augmented(self._as_bytes(clip))))
        return targets

    def _augmented(self, clip: Tensor) -> Tensor:
        video = tv_tensors.Video(clip.transpose(0, 1))
        return self.augment(video).as_subclass(Tensor).transpose(0, 1)

    def _as_bytes(self, clip: Tensor) -> Tensor:
        mean, std = self._statistics(clip.device)
        return clip.float().mul_(std).add_(mean).round_().clamp_(0, 255).byte()

    def _normalized(self, clip: Tensor) -> Tensor:
        mean, std = self._statistics(clip.device)
        return clip.float().sub_(mean).div_(std)

    def _statistics(self, device: torch.device) -> Tensor:
        both = 255 * torch.tensor((self.mean, self.std), device=device)
        return both.reshape(2, -1, 1, 1, 1)


class Stack(Mix):
    """Several mixes, one after another, in one copy of the batch.

    The order that keeps labels exact is RandAugment, Cutout, VideoMix: what changes a clip alone
    comes before what mixes clips, so that a blanked voxel still belongs to the clip it is in.

    Args:
        mixes: each with its own probability.
        probability: as for every `Mix`, of the stack as a whole.
        num_classes: as for every `Mix`; those of `mixes` are not needed.
    """

    def __init__(
        self, mixes: Sequence[Mix], probability: float = 1.0, num_classes: int | None = None
    ):
        super().__init__(probability, num_classes)
        self.mixes = tuple(mixes)

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
    ) -> Tensor:
        """Apply every mix in place; see `Mix.mix`."""
        for mix in self.mixes:
            clips, targets = mix(clips, targets, rng, permutation, overwrite=True)
        return targets


def as_distributions(targets: Tensor, num_classes: int | None) -> Tensor:
    """Targets as floats (N, K), at least float32: a share of a voxel count needs its digits.

    Args:
        targets: (N,) class indices or (N, K).
        num_classes: K, needed for class indices.

    Raises:
        ValueError: class indices without `num_classes`, or targets of another shape.
    """
    if targets.ndim == 1 and not targets.is_floating_point():
        if num_classes is None:
            raise ValueError("targets are class indices, and num_classes is not given")
        targets = F.one_hot(targets.long(), num_classes)
    if targets.ndim != 2 or num_classes not in (None, targets.shape[1]):
        raise ValueError(f"targets {tuple(targets.shape)} are not (N, {num_classes or 'K'})")
    return targets if targets.dtype == torch.float64 else targets.float()


def as_permutation(permutation: Sequence[int] | Tensor, count: int) -> list[int]:
    """The permutation as a list.

    Raises:
        ValueError: it does not permute `count` clips.
    """
    partners = [int(partner) for partner in permutation]
    if sorted(partners) != list(range(count)):
        raise ValueError(f"{partners} is no permutation of {count} clips")
    return partners


def own_generators(count: int, rng: np.random.Generator) -> list[np.random.Generator]:
    """A generator for each of `count` clips, so that what a clip draws is the same in any process.

    `rng` gives one integer however many clips there are: it stays in step in all processes. Clip i
    of process r of w is number r + i * w of all clips, the order in which draws are dealt out
    (`ava_det.data.sampler.SeekableSampler`).
    """
    key, rank, size = int(rng.integers(2**62)), comm.get_rank(), comm.get_world_size()
    return [np.random.default_rng((key, rank + i * size)) for i in range(count)]


def along_cycles(clips: Tensor, permutation: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Each clip that has another one for a partner, and that partner as it was.

    The caller writes into the first before it asks for the next pair. Going along the
    permutation's cycles, only a cycle's first clip must be kept: one clip, not the batch.

    Args:
        clips: (N, ...), or a view of the same part of each.
        permutation: clip n has clip `permutation[n]` for a partner.
    """
    done: set[int] = set()
    for first in range(len(permutation)):
        if first in done or permutation[first] == first:
            continue
        kept, n = clips[first].clone(), first
        while permutation[n] != first:
            yield clips[n], clips[permutation[n]]
            done.add(n)
            n = permutation[n]
        yield clips[n], kept
        done.add(n)


def side_of(size: int, share: float, rng: np.random.Generator) -> tuple[int, int]:
    """(start, stop) of a side of `share * size` voxels around a uniform centre, cut at the ends."""
    center, half = rng.uniform(0, size), share * size / 2
    start, stop = np.clip(np.rint((center - half, center + half)), 0, size).astype(int)
    return int(start), int(stop)


def positive(name: str, value: float) -> float:
    """The value, if it is above zero.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(f"{name} {value} must be a positive number")
    return value
