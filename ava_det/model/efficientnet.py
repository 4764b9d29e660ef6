"""EfficientNet-lite0: an image network without squeeze-and-excitation, made for small machines.

Tan and Le, arXiv 1905.11946, in Google's lite form, with ReLU6 in place of Swish. The layers and
their padding are those of the published weights.

Shapes: N images, C channels, H W pixels.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

NORM_EPS, NORM_MOMENTUM = 1e-3, 0.01
STEM_CHANNELS = 32
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3  # of the pixels / 255 in training


class Stage(NamedTuple):
    """Blocks of one width."""

    blocks: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
# The block that ends a stride, and the channels of the map.
LAST = {4: (2, 24), 8: (4, 40), 16: (10, 112), 32: (15, 320)}


class ConvNorm(nn.Module):
    """A convolution without bias, padded as in TensorFlow, and a norm.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        kernel: The side of the kernel, in cells.
        stride: The stride.
        groups: The number of groups of channels.
        relu: Put a ReLU6 behind the norm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ):
        super().__init__()
        # TensorFlow puts the odd cell of the padding behind the picture.
        before = (kernel - stride) // 2 if stride > 1 else kernel // 2
        after = kernel - stride - before if stride > 1 else kernel // 2
        self.padding = (before, after, before, after)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, NORM_EPS, NORM_MOMENTUM)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Compute (N, C', H / stride, W / stride); an odd side is rounded down."""
        x = self.norm(self.conv(F.pad(x, self.padding) if any(self.padding) else x))
        return F.relu6(x) if self.relu else x


class Block(nn.Module):
    """An inverted bottleneck: expand the channels, convolve each of them, project them.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        kernel: The side of the kernel.
        stride: The stride.
        expand: The factor of the channels in the middle.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expand: int):
        super().__init__()
        middle = in_channels * expand
        self.expand = ConvNorm(in_channels, middle) if expand != 1 else None
        self.depthwise = ConvNorm(middle, middle, kernel, stride, groups=middle)
        self.project = ConvNorm(middle, out_channels, relu=False)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Compute (N, C', H / stride, W / stride)."""
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """The layers of EfficientNet-lite0 below the classifier.

    Args:
        frozen: The number of first blocks that do not learn; with any, the stem does not learn
            either. The norms of all blocks keep the statistics of ImageNet.
        strides: Some of the strides 4, 8, 16 and 32, in order.
    """

    def __init__(self, frozen: int = 0, strides: Sequence[int] = (16, 32)):
        super().__init__()
        self._last = [LAST[stride][0] for stride in strides]
        self.out_channels = [LAST[stride][1] for stride in strides]
        self.stem = ConvNorm(3, STEM_CHANNELS, 3, stride=2)
        self.blocks = nn.ModuleList(_blocks())
        for module in (self.stem, *self.blocks[:frozen]) if frozen else ():
            module.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Compute a map (N, C, H / stride, W / stride) of images (N, 3, H, W) for each stride."""
        x, maps = self.stem(images), []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self._last:
                maps.append(x)
        return maps

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        """Set the mode of all layers but the norms, which keep their statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def _blocks() -> Iterator[Block]:
    channels = STEM_CHANNELS
    for stage in STAGES:
        for number in range(stage.blocks):
            stride = stage.stride if number == 0 else 1
            yield Block(channels, stage.channels, stage.kernel, stride, stage.expand)
            channels = stage.channels
