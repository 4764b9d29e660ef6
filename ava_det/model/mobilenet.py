"""torchvision's MobileNetV2 as a bottom-up backbone of detectron2."""

from detectron2.layers import ShapeSpec
from detectron2.modeling import Backbone
from torch import Tensor
from torchvision.models import mobilenet_v2

# The last block of each stride: its place in torchvision's `features` and its channels.
_STAGES = {"res2": (3, 24, 4), "res3": (6, 32, 8), "res4": (13, 96, 16), "res5": (17, 320, 32)}


class MobileNetV2(Backbone):
    """Features of strides 4 to 32, with the names that detectron2 gives to those of a ResNet.

    Args:
        out_features: Some of res2 (24 channels), res3 (32), res4 (96) and res5 (320), in order.
        frozen: Number of first blocks that do not learn and whose norms keep their statistics. The
            first 4 reach stride 4, the first 7 stride 8. They cost most to train, and those of
            ImageNet suit all pictures.
    """

    def __init__(self, out_features: list[str], frozen: int = 0):
        super().__init__()
        self._out_features, self._frozen = out_features, frozen
        last = max(_STAGES[name][0] for name in out_features)
        self.features = mobilenet_v2(weights=None).features[: last + 1]
        self.features[:frozen].requires_grad_(False)

    # The parent class declares any arguments.
    def forward(self, x: Tensor) -> dict[str, Tensor]:  # pyrefly: ignore[bad-override]
        """Compute feature maps (N, C, H / stride, W / stride) of images (N, 3, H, W), by name."""
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
        """Channels and stride of each feature map that `forward` returns."""
        shapes = {name: _STAGES[name][1:] for name in self._out_features}
        return {name: ShapeSpec(channels=c, stride=s) for name, (c, s) in shapes.items()}

    @property
    def size_divisibility(self) -> int:
        """Sides of images must be multiples of this, so that FPN can add its levels."""
        return 32
