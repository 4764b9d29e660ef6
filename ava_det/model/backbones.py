"""Backbones: PyTorchVideo's stages behind our pathway split.

Shapes: N clips, C channels, T frames, H W pixels.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from ava_det.model.pathways import SplitPathways


class Backbone(nn.Module):
    """Stages that turn a clip into one feature map a pathway.

    Args:
        split: from one clip to the pathways.
        blocks: stem and stages; each maps a list of pathways to a list of pathways.
        out_channels: channels of each pathway's feature map.
        stride: pixels of the clip to a cell of the feature maps.
    """

    def __init__(
        self,
        split: SplitPathways,
        blocks: Sequence[nn.Module],
        out_channels: Sequence[int],
        stride: int,
    ):
        super().__init__()
        self.split = split
        self.blocks = nn.ModuleList(blocks)
        self.out_channels = tuple(out_channels)
        self.stride = stride

    def forward(self, clip: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Feature maps (N, C_p, T_p, H / stride, W / stride), slow pathway first.

        Args:
            clip: (N, 3, T, H, W), or the pathways already split, slow first.
        """
        # PyTorchVideo's stages overwrite the list that they are given, hence the copy.
        pathways = self.split(clip) if isinstance(clip, Tensor) else list(clip)
        for block in self.blocks:
            pathways = block(pathways)
        return pathways
