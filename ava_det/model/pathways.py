"""The first layers of a model: normalise a clip, then split it into pathways.

Shapes: N clips, C channels, T frames, H W pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ava_det.structures import GREY_MEAN, GREY_STD


class Normalize(nn.Module):
    """Turn uint8 clips into floats: (x / 255 - mean) / std, a value a channel.

    Args:
        mean: C means of x / 255. The default is that of PySlowFast and PyTorchVideo.
        std: C standard deviations of x / 255.
    """

    def __init__(
        self,
        mean: Sequence[float] = GREY_MEAN,
        std: Sequence[float] = GREY_STD,
    ):
        super().__init__()
        self.mean, self.std = tuple(mean), tuple(std)
        shape = (1, len(self.mean), 1, 1, 1)
        # Not saved with the weights: the metadata of a weight file has mean and std.
        scale, shift = torch.tensor(self.std) * 255, torch.tensor(self.mean) * 255
        self.register_buffer("scale", scale.reshape(shape), persistent=False)
        self.register_buffer("shift", shift.reshape(shape), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """Normalise uint8 clips (N, C, T, H, W); return float clips as they are."""
        if clips.dtype != torch.uint8:
            return clips
        return (clips.to(self.scale.dtype) - self.shift) / self.scale


class SplitPathways(nn.Module):
    """Split one clip into a slow and a fast pathway.

    The split is part of the model, so that a mix of clips before it reaches both pathways.

    Args:
        alpha: Fast frames to a slow frame. 1 keeps one pathway.
        from_first: Take frames 0, alpha, 2 alpha ... for the slow pathway (MMAction2). Otherwise
            its frames are spread from the first frame to the last (PySlowFast, PyTorchVideo).
        change: Subtract the mean over time from the fast pathway, so that it does not see what
            stands still. A small model would learn little else (docs/decisions.md).
    """

    def __init__(self, alpha: int, from_first: bool = False, change: bool = False):
        super().__init__()
        self.alpha, self.from_first, self.change = alpha, from_first, change

    def slow_indices(self, frames: int) -> Tensor:
        """Indexes (T / alpha,) of the frames of the slow pathway.

        The rule is that of PySlowFast's `pack_pathway_output`.

        >>> SplitPathways(4).slow_indices(32).tolist()
        [0, 4, 8, 13, 17, 22, 26, 31]
        """
        if frames % self.alpha:
            raise ValueError(f"{frames} frames do not divide by alpha = {self.alpha}")
        if self.from_first:
            return torch.arange(0, frames, self.alpha)
        return torch.linspace(0, frames - 1, frames // self.alpha).long()

    def forward(self, clip: Tensor) -> list[Tensor]:
        """Split (N, C, T, H, W) into [slow (N, C, T / alpha, H, W), fast (N, C, T, H, W)].

        With alpha 1 the list has the clip alone.
        """
        if self.alpha == 1:
            return [clip]
        slow = clip.index_select(2, self.slow_indices(clip.shape[2]).to(clip.device))
        return [slow, clip - clip.mean(2, keepdim=True) if self.change else clip]
