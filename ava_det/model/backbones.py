"""Backbones: make one feature map a pathway of a clip.

Shapes: N clips, C channels, T frames, H W pixels.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from ava_det.model.pathways import SplitPathways


class Backbone(nn.Module):
    """Stages that turn a clip into one feature map a pathway.

    Args:
        split: Splits one clip into pathways.
        blocks: Stem and stages. With several pathways, each block maps a list of pathways to a
            list. With one pathway, each block maps a tensor to a tensor.
        out_channels: Channels of the feature map of each pathway.
        stride: Pixels of the clip to a cell of the feature maps.
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
        self.dilation = 1  # of the last stage

    def forward(self, clip: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Compute feature maps (N, C_p, T_p, H / stride, W / stride), slow pathway first.

        Args:
            clip: Tensor (N, 3, T, H, W), or the pathways, already split, slow pathway first.
        """
        # A copy, since PyTorchVideo's stages overwrite the list that they get.
        pathways = self.split(clip) if isinstance(clip, Tensor) else list(clip)
        if len(pathways) > 1:
            for block in self.blocks:
                pathways = block(pathways)
            return pathways
        x = pathways[0]
        for block in self.blocks:
            x = block(x)
        return [x]

    def keep_resolution(self, dilation: int) -> None:
        """Remove the stride of the last stage, as detection needs it.

        Parameters keep their names and shapes.

        Args:
            dilation: Dilation of the middle convolutions in the blocks of the last stage. 2 keeps
                the field of view that they have with the stride (PySlowFast, PyTorchVideo); 1 makes
                it smaller (MMAction2).
        """
        for name, module in self.blocks[-1].named_modules():
            if not isinstance(module, nn.Conv3d):
                continue
            module.stride = (module.stride[0], 1, 1)
            if ".conv_b" in name and module.kernel_size[1] == 3:
                module.dilation = (1, dilation, dilation)
                module.padding = (module.kernel_size[0] // 2, dilation, dilation)
        self.stride //= 2
        self.dilation = dilation
