"""Backbones: from a clip to one feature map a pathway.

Shapes: N clips, C channels, T frames, H W pixels.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from ava_det.model.pathways import SplitPathways


class Backbone(nn.Module):
    """Stages that turn a clip into one feature map a pathway.

    Args:
        split: from one clip to the pathways.
        blocks: stem and stages. With several pathways each maps a list of them to a list; with one
            a tensor to a tensor.
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
        self.dilation = 1  # of the last stage

    def forward(self, clip: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Feature maps (N, C_p, T_p, H / stride, W / stride), slow pathway first.

        Args:
            clip: (N, 3, T, H, W), or the pathways already split, slow first.
        """
        # PyTorchVideo's stages overwrite the list that they are given, hence the copy.
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
        """Take the stride out of the last stage: the form for detection.

        Parameters keep their names and shapes.

        Args:
            dilation: of the middle convolutions of its blocks: 2 sees as wide as with the stride
                (PySlowFast, PyTorchVideo); 1 does not (MMAction2).
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
