"""Mixes of a batch of clips and its labels: callables of one shape, which configs swap and stack.

A mix takes clips (N, C, T, H, W) and targets (N, K) and returns both. VideoMix is in
`ava_det.augment.videomix`. Call a mix in training only, before the clips are split into pathways,
so that all pathways see one mixed clip. Label smoothing commutes with mixing and is part of the
criterion.

To mix the same way in several processes, give each one a generator of the same state, such as
`np.random.default_rng((seed, iteration))`. Then boxes and shares are equal in all processes, and so
is the permutation where the batches are equally long. Cutout and RandAugment draw for every clip by
itself, keyed by the number of the clip among the clips of all processes (`numbers`).

Shapes: N clips, C channels, T frames, H W pixels, K classes.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from ava_det.structures import GREY, GREY_MEAN, GREY_STD


class Mix(ABC):
    """A mix of the clips of a batch, or of each clip alone.

    Args:
        probability: Share of the batches that are mixed.
    """

    def __init__(self, probability: float = 1.0):
        if not 0 <= probability <= 1:
            raise ValueError(f"probability {probability} is not in [0, 1]")
        self.probability = probability

    def __call__(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator | None = None,
        permutation: Sequence[int] | Tensor | None = None,
        numbers: Sequence[int] | None = None,
        overwrite: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Mix a batch.

        Args:
            clips: Tensor (N, C, T, H, W), uint8 or any float type.
            targets: Tensor (N, K): one-hot, multi-hot or any distribution.
            rng: Source of all draws. By default it follows torch's global seed.
            permutation: Clip n is mixed with clip `permutation[n]`. By default it is drawn.
            numbers: N numbers of the clips among the clips of all processes. The default, 0 to
                N - 1, is right for one process.
            overwrite: Write into `clips`. By default the mix writes into one copy of them.

        Returns:
            Clips of the same shape and type, and targets (N, K) of type float32, or float64 if the
            given targets have that type.

        Raises:
            ValueError: The arguments do not fit together.
        """
        if clips.ndim != 5 or len(targets) != len(clips):
            raise ValueError(
                f"clips {tuple(clips.shape)} and targets {tuple(targets.shape)}: "
                "(N, C, T, H, W) and N targets are needed"
            )
        shares = as_shares(targets)
        if rng is None:
            rng = np.random.default_rng(int(torch.randint(2**62, ())))
        if rng.random() >= self.probability:
            return clips, shares
        partners = None if permutation is None else as_permutation(permutation, len(clips))
        numbers = range(len(clips)) if numbers is None else numbers
        mixed = clips if overwrite else clips.clone()
        return mixed, self.mix(mixed, shares, rng, partners, numbers)

    @abstractmethod
    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
        numbers: Sequence[int],
    ) -> Tensor:
        """Mix clips (N, C, T, H, W) in place; return their new targets (N, K)."""


class Mixup(Mix):
    """Mixup (Zhang et al., arXiv 1710.09412): x = (1 - lam) x_A + lam x_B, and so the targets.

    One lam ~ Beta(alpha, alpha) is drawn for the whole batch. Clips must be floats.

    Args:
        alpha: Parameter of the Beta distribution.
        probability: Share of the batches that are mixed.
    """

    def __init__(self, alpha: float = 1.0, probability: float = 1.0):
        super().__init__(probability)
        self.alpha = positive("alpha", alpha)

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
        numbers: Sequence[int],
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
    """Cutout (DeVries and Taylor, arXiv 1708.04552) of a cuboid: part of each clip is blanked.

    Each clip has a cuboid of its own, with a uniform centre, cut at the borders of the clip. The
    targets do not change.

    Args:
        share: Sides of the cuboid as shares of (T, H, W). The default is that of the VideoMix
            paper: 112 x 112 of 224 x 224 pixels, in all frames.
        fill: Value of the blanked voxels. None takes the mean of the usual normalisation: 0 in
            float clips and `GREY` in uint8 clips.
        probability: Share of the batches that are mixed.
    """

    def __init__(
        self,
        share: Sequence[float] = (1.0, 0.5, 0.5),
        fill: float | None = None,
        probability: float = 1.0,
    ):
        super().__init__(probability)
        if len(share) != 3 or not all(0 < side <= 1 for side in share):
            raise ValueError(f"share {tuple(share)} must be three numbers in (0, 1]")
        self.share, self.fill = tuple(share), fill

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
        numbers: Sequence[int],
    ) -> Tensor:
        """Blank a cuboid of every clip in place; see `Mix.mix`."""
        fill = self.fill
        if fill is None:
            fill = 0 if clips.is_floating_point() else GREY
        for clip, own in zip(clips, own_generators(numbers, rng), strict=True):
            sides = [
                (0, size) if share == 1 else side_of(size, share, own)
                for size, share in zip(clip.shape[1:], self.share, strict=True)
            ]
            clip[(slice(None), *(slice(*side) for side in sides))] = fill
        return targets


class RandAugment(Mix):
    """RandAugment (Cubuk et al., arXiv 1909.13719) by torchvision: one draw for a clip's frames.

    torchvision augments bytes. A float clip must be normalised; it is turned into bytes, augmented
    and normalised again. In a stack RandAugment therefore comes first, before any mix whose values
    are not bytes.

    Args:
        num_ops: Number of operations that are applied one after another.
        magnitude: Strength of the operations, in 0 to 30.
        mean: Mean of the pixels / 255 that float clips are normalised by, a value a channel.
        std: Standard deviation of the pixels / 255 likewise, a value a channel.
        probability: Share of the batches that are mixed.
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        mean: Sequence[float] = GREY_MEAN,
        std: Sequence[float] = GREY_STD,
        probability: float = 1.0,
    ):
        super().__init__(probability)
        if not 0 <= magnitude <= 30:
            raise ValueError(f"magnitude {magnitude} is not in 0 to 30")
        self.mean, self.std = tuple(mean), tuple(std)
        # torchvision's default, the nearest pixel, leaves jagged edges.
        smooth = v2.InterpolationMode.BILINEAR
        self.augment = v2.RandAugment(num_ops, magnitude, interpolation=smooth, fill=GREY)

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
        numbers: Sequence[int],
    ) -> Tensor:
        """Augment every clip in place by draws of its own; see `Mix.mix`."""
        with torch.random.fork_rng(devices=()):  # torchvision draws from the CPU's generator
            for clip, own in zip(clips, own_generators(numbers, rng), strict=True):
                # torch.manual_seed would seed the generators of CUDA too, and nothing restores
                # those.
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

    The order that keeps labels exact is RandAugment, Cutout, VideoMix. A mix that changes each clip
    alone comes before a mix that pastes between clips: then a blanked voxel still counts for the
    clip that it belongs to.

    Args:
        mixes: The mixes, each with a probability of its own.
        probability: Share of the batches that the stack mixes at all.
    """

    def __init__(self, mixes: Sequence[Mix], probability: float = 1.0):
        super().__init__(probability)
        self.mixes = tuple(mixes)

    def mix(
        self,
        clips: Tensor,
        targets: Tensor,
        rng: np.random.Generator,
        permutation: list[int] | None,
        numbers: Sequence[int],
    ) -> Tensor:
        """Apply every mix in place; see `Mix.mix`."""
        for mix in self.mixes:
            clips, targets = mix(clips, targets, rng, permutation, numbers, overwrite=True)
        return targets


def as_shares(targets: Tensor) -> Tensor:
    """Return targets (N, K) as floats, at least float32. float16 is too coarse for these shares.

    Raises:
        ValueError: The targets have another shape, as class indices (N,) do.
    """
    if targets.ndim != 2:
        raise ValueError(f"targets {tuple(targets.shape)} are not (N, K)")
    return targets if targets.dtype == torch.float64 else targets.float()


def as_permutation(permutation: Sequence[int] | Tensor, count: int) -> list[int]:
    """Return the permutation as a list.

    Raises:
        ValueError: The argument does not permute `count` clips.
    """
    partners = [int(partner) for partner in permutation]
    if sorted(partners) != list(range(count)):
        raise ValueError(f"{partners} is no permutation of {count} clips")
    return partners


def own_generators(numbers: Sequence[int], rng: np.random.Generator) -> list[np.random.Generator]:
    """Make a generator for each of the clips of these numbers.

    A clip draws the same numbers in any process. `rng` gives one integer for any number of clips,
    so all processes keep the same state.
    """
    key = int(rng.integers(2**62))
    return [np.random.default_rng((key, number)) for number in numbers]


def along_cycles(clips: Tensor, permutation: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Iterate over the clips that have another clip for a partner.

    The caller writes into the clip before it asks for the next pair. Going along the cycles of the
    permutation, only the first clip of a cycle must be kept: one clip, not the batch.

    Args:
        clips: Tensor (N, ...), or a view of the same part of each clip.
        permutation: Clip n has clip `permutation[n]` for a partner.

    Yields:
        A clip, and its partner as it was before the caller wrote into any clip.
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
    """Draw (start, stop) of a side of `share * size` voxels around a uniform centre.

    The side is cut at the ends, 0 and `size`.
    """
    center, half = rng.uniform(0, size), share * size / 2
    start, stop = np.clip(np.rint((center - half, center + half)), 0, size).astype(int)
    return int(start), int(stop)


def positive(name: str, value: float) -> float:
    """Return the value.

    Raises:
        ValueError: The value is not a number above zero.
    """
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(f"{name} {value} must be a positive number")
    return value
