"""The model of action detection: labels for each person box on the keyframe of a clip.

Shapes: N clips, R boxes in all, K classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ava_det.model.backbones import Backbone
from ava_det.model.classifier import prepare
from ava_det.model.heads import RoIHead
from ava_det.model.pathways import Normalize
from ava_det.model.slowfast_lite import TubeHead


class ActionDetector(nn.Module):
    """Backbone and RoI head. Boxes are given (ground truth or proposals), never regressed.

    Args:
        backbone: Makes feature maps of clips.
        head: Makes logits of feature maps and boxes.
        normalize: Turns uint8 clips into the input of the backbone.

    Attributes:
        takes_tubes: The head follows people: boxes may be tubes, a box for every frame of the clip.
    """

    def __init__(self, backbone: Backbone, head: RoIHead | TubeHead, normalize: Normalize):
        super().__init__()
        self.backbone, self.head, self.normalize = backbone, head, normalize
        self.takes_tubes = isinstance(head, TubeHead)

    def forward(
        self,
        clips: Tensor | Sequence[Tensor],
        boxes: Sequence[Tensor],
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """Compute logits (R, K), people in the order of the boxes.

        Args:
            clips: Tensor (N, 3, T, H, W), uint8 or normalised floats; or the pathways, already
                split.
            boxes: N tensors (R_n, 4), or tubes (R_n, T, 4) for a model with the attribute
                `takes_tubes`, xyxy in pixels of the clip. R_n may be 0.
            sizes: N heights and widths in pixels of the part of each clip that is not padding. None
                means that no clip is padded.
        """
        features = self.backbone(prepare(clips, self.normalize))
        return self.head(features, as_rois(boxes), sizes)


def as_rois(boxes: Sequence[Tensor]) -> Tensor:
    """Join N tensors (R_n, ..., 4) to one (R, ..., 5); the first number is the index in the batch.

    >>> as_rois([torch.zeros(0, 4), torch.ones(1, 4)])
    tensor([[1., 1., 1., 1., 1.]])
    """
    rows = [torch.cat([torch.full_like(b[..., :1], n), b], -1) for n, b in enumerate(boxes)]
    return torch.cat(rows)
