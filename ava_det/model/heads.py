"""Heads: from the pathways' feature maps to logits.

Shapes: N clips, C channels, T frames, H W cells, R boxes in all, K classes.
"""

from collections.abc import Sequence

import torch
from detectron2.layers import ROIAlign
from torch import Tensor, nn


class PoolHead(nn.Module):
    """Classify a whole clip: mean over time and space, concatenation, dropout, linear.

    Args:
        in_channels: channels of each pathway.
        num_classes: K.
        dropout: probability of dropping a feature in training.
    """

    def __init__(self, in_channels: Sequence[int], num_classes: int, dropout: float = 0.5):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(sum(in_channels), num_classes)
        init_projection(self.projection)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps (N, C_p, T_p, H, W) to logits (N, K)."""
        pooled = torch.cat([x.mean((2, 3, 4)) for x in features], dim=1)
        return self.projection(self.dropout(pooled))


class RoIHead(nn.Module):
    """Classify what each person does (PySlowFast `ResNetRoIHead`).

    Mean over time, ROIAlign on the spatial map, max over its cells, concatenation of the pathways,
    dropout, linear. The sigmoid is the caller's: losses want logits.

    Args:
        in_channels: channels of each pathway.
        num_classes: K.
        stride: pixels of the clip to a cell of the feature maps.
        resolution: cells of a box's side.
        dropout: probability of dropping a feature in training.
        aligned: half-pixel correction of ROIAlign; False for Caffe2's weights.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        stride: int = 16,
        resolution: int = 7,
        dropout: float = 0.5,
        aligned: bool = True,
    ):
        super().__init__()
        self.roi_align = ROIAlign((resolution, resolution), 1 / stride, 0, aligned=aligned)
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(sum(in_channels), num_classes)
        init_projection(self.projection)

    def forward(self, features: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Logits (R, K).

        Args:
            features: maps (N, C_p, T_p, H, W).
            rois: (R, 5): index in the batch, then xyxy in pixels of the clip.
        """
        pooled = [self.roi_align(x.mean(2), rois.to(x.dtype)).amax((2, 3)) for x in features]
        return self.projection(self.dropout(torch.cat(pooled, dim=1)))


def init_projection(layer: nn.Linear) -> None:
    """Normal weights of deviation 0.01 and zero biases (PySlowFast `init_weights`)."""
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
