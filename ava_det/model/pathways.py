"""What a clip goes through before the first convolution: normalisation, then the pathway split.

Shapes: N clips, C channels, T frames, H W pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ava_det.structures import GREY_MEAN, GREY_STD


class Normalize(nn.Module):
    """Turn uint8 clips into floats: (x / 255 - mean) / std, a value a channel.

    Args:
        mean: C means of x / 255. The default is PySlowFast's and PyTorchVideo's.
        std: C standard deviations.
    """

    def __init__(
        self,
        mean: Sequence[float] = GREY_MEAN,
        std: Sequence[float] = GREY_STD,
    ):
        super().__init__()
        self.mean, self.std = tuple(mean), tuple(std)
        shape = (1, len(self.mean), 1, 1, 1)
        # Not saved with the weights: a weight file states them in its metadata.
        scale, shift = torch.tensor(self.std) * 255, torch.tensor(self.mean) * 255
        self.register_buffer("scale", scale.reshape(shape), persistent=False)
        self.register_buffer("shift", shift.reshape(shape), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, H, W) uint8 to float of the same shape; a float clip is normalised already."""
        if clips.dtype != torch.uint8:
            return clips
        return (clips.to(self.scale.dtype) - self.shift) / self.scale


class SplitPathways(nn.Module):
    """Split one clip into a slow and a fast pathway, so that a mix made before reaches both.

    Args:
        alpha: the fast pathway has `alpha` times the frames of the slow one; 1 keeps one pathway.
        from_first: the slow pathway takes frames 0, alpha, 2 alpha ... (MMAction2); otherwise they
            are spread from the first frame to the last (PySlowFast, PyTorchVideo).
        change: the fast pathway gets what differs from the clip's mean over time. It is blind to
            what stands still then, which is most of what a small model sees otherwise
            (docs/decisions.md).
    """

    def __init__(self, alpha: int, from_first: bool = False, change: bool = False):
        super().__init__()
        self.alpha, self.from_first, self.change = alpha, from_first, change

    def slow_indices(self, frames: int) -> Tensor:
        """(T / alpha,) frames of the slow pathway (PySlowFast `pack_pathway_output`).

        >>> SplitPathways(4).slow_indices(32).tolist()
        [0, 4, 8, 13, 17, 22, 26, 31]
        """
        if frames % self.alpha:
            raise ValueError(f"{frames} frames do not divide by alpha = {self.alpha}")
        if self.from_first:
            return torch.arange(0, frames, self.alpha)
        return torch.linspace(0, frames - 1, frames // self.alpha).long()

    def forward(self, clip: Tensor) -> list[Tensor]:
        """(N, C, T, H, W) to [slow (N, C, T / alpha, H, W), fast (N, C, T, H, W)], or [clip]."""
        if self.alpha == 1:
            return [clip]
        slow = clip.index_select(2, self.slow_indices(clip.shape[2]).to(clip.device))
        return [slow, clip - clip.mean(2, keepdim=True) if self.change else clip]
