"""torchvision's MViT as a backbone, with its tokens arranged as a feature map.

Shapes: N clips, C channels, T frames, H W pixels.
"""

from collections.abc import Sequence

from torch import Tensor
from torchvision.models.video import MViT

from ava_det.model.backbones import Backbone
from ava_det.model.pathways import SplitPathways


class TokenBackbone(Backbone):
    """The trunk of an MViT with relative positions. Parameters have torchvision's names.

    The pretrained weights were trained on 16 frames of 224 x 224 pixels. Clips of other sizes, also
    not square, work too: the tables of relative positions are interpolated, as in PySlowFast. If a
    side does not divide by 32, the last cell covers the rest of it.

    Args:
        net: The model. Its classifier is not used.
        channels: Channels of the tokens at the end.
        class_token: Return the class token, by which torchvision classifies, as a map of one cell.
            Otherwise the map of all other tokens is returned.

    Raises:
        ValueError: The model has absolute positions, which fit one clip size only.
    """

    def __init__(self, net: MViT, channels: int, class_token: bool):
        if net.pos_encoding.spatial_pos is not None:
            raise ValueError("an MViT with absolute positions takes clips of one size only")
        super().__init__(SplitPathways(1), list(net.blocks), (channels,), stride=32)
        self.conv_proj, self.pos_encoding, self.norm = net.conv_proj, net.pos_encoding, net.norm
        self.class_token = class_token

    def forward(self, clip: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Compute [feature map (N, C, T / 2, H / 32, W / 32)] or [class token (N, C, 1, 1, 1)].

        Args:
            clip: Tensor (N, 3, T, H, W), or a list of this one tensor.
        """
        patches = self.conv_proj(clip if isinstance(clip, Tensor) else clip[0])
        grid = tuple(patches.shape[2:])
        tokens = self.pos_encoding(patches.flatten(2).transpose(1, 2))
        for block in self.blocks:
            tokens, grid = block(tokens, grid)
        tokens = self.norm(tokens).transpose(1, 2)
        if self.class_token:
            return [tokens[:, :, :1, None, None]]
        return [tokens[:, :, 1:].unflatten(2, grid)]

    def keep_resolution(self, dilation: int) -> None:
        """Refuse, because the shapes of the pretrained tables depend on the strides of attention.

        Raises:
            ValueError: Always.
        """
        raise ValueError("an MViT keeps its stride of 32: set dilation to None")
