"""The model of pretraining: one distribution over labels for a clip."""

from collections.abc import Sequence

from torch import Tensor, nn

from ava_det.model.backbones import Backbone
from ava_det.model.heads import PoolHead
from ava_det.model.pathways import Normalize


class Classifier(nn.Module):
    """Backbone and pooling head.

    Args:
        backbone: Makes feature maps of clips.
        head: Makes logits of feature maps.
        normalize: Turns uint8 clips into the input of the backbone.
    """

    def __init__(self, backbone: Backbone, head: PoolHead, normalize: Normalize):
        super().__init__()
        self.backbone, self.head, self.normalize = backbone, head, normalize

    def forward(self, clips: Tensor | Sequence[Tensor]) -> Tensor:
        """Compute logits (N, K).

        Args:
            clips: Tensor (N, 3, T, H, W), uint8 or normalised floats; or the pathways, already
                split.
        """
        return self.head(self.backbone(prepare(clips, self.normalize)))


def prepare(clips: Tensor | Sequence[Tensor], normalize: Normalize) -> Tensor | list[Tensor]:
    """Normalise clips, or each pathway of clips that are split already."""
    if isinstance(clips, Tensor):
        return normalize(clips)
    return [normalize(pathway) for pathway in clips]
