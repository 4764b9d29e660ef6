"""torchvision's MobileNetV2 as a bottom-up backbone of detectron2."""

from detectron2.layers import ShapeSpec
from detectron2.modeling import Backbone
from torch import Tensor
from torchvision.models import mobilenet_v2

# The last block of each stride: its place in torchvision's `features` and its channels.
_STAGES = {"res2": (3, 24, 4), "res3": (6, 32, 8), "res4": (13, 96, 16), "res5": (17, 320, 32)}


class MobileNetV2(Backbone):
    """Features of strides 4 to 32, named as detectron2 names a ResNet's.

    Args:
        out_features: some of res2 (24 channels), res3 (32), res4 (96) and res5 (320), in order.
        frozen: so many of the first blocks do not learn, nor do their norms count; 4 are stride 4,
            7 stride 8. The first blocks cost most, and ImageNet's serve any picture.
    """

    def __init__(self, out_features: list[str], frozen: int = 0):
        super().__init__()
        self._out_features, self._frozen = out_features, frozen
        last = max(_STAGES[name][0] for name in out_features)
        self.features = mobilenet_v2(weights=None).features[: last + 1]
        self.features[:frozen].requires_grad_(False)

    # Its parent is declared for any arguments.
    def forward(self, x: Tensor) -> dict[str, Tensor]:  # pyrefly: ignore[bad-override]
        """Name to feature map (N, C, H / stride, W / stride) of images (N, 3, H, W)."""
        names = {_STAGES[name][0]: name for name in self._out_features}
        outputs = {}
        for place, block in enumerate(self.features):
            x = block(x)
            if place in names:
                outputs[names[place]] = x
        return outputs

    def train(self, mode: bool = True) -> "MobileNetV2":
        """Set the mode of all but the frozen blocks, which stay in evaluation mode."""
        super().train(mode)
        self.features[: self._frozen].eval()
        return self

    def output_shape(self) -> dict[str, ShapeSpec]:  # pyrefly: ignore[bad-override]
        """Channels and strides of what `forward` returns."""
        shapes = {name: _STAGES[name][1:] for name in self._out_features}
        return {name: ShapeSpec(channels=c, stride=s) for name, (c, s) in shapes.items()}

    @property
    def size_divisibility(self) -> int:
        """Pixels that the FPN's sums of levels need the sides to be a multiple of."""
        return 32
