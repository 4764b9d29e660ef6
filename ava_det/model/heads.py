"""Heads: make logits of the feature maps of the pathways.

Shapes: N clips, C channels, T frames, H W cells, R boxes in all, K classes.
"""

import math
from collections.abc import Sequence

import torch
from detectron2.layers import ROIAlign
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.model.device import full_precision


class PoolHead(nn.Module):
    """Classify a whole clip: mean over time and space, concatenation, dropout, linear.

    Args:
        in_channels: Channels of each pathway.
        num_classes: K.
        dropout: Probability of dropping a feature in training.
        window: Side, in cells, of the feature map of a training crop: 7 for crops of 224 pixels. A
            larger map is then tested as in PySlowFast: a window of that side is classified at
            every place of the map, and the probabilities are averaged. None takes the mean of the
            whole map.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        dropout: float = 0.5,
        window: int | None = None,
    ):
        super().__init__()
        self.window = window
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(sum(in_channels), num_classes)
        init_projection(self.projection)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute logits (N, K) of feature maps (N, C_p, T_p, H, W).

        With a window, the logits are logarithms of mean probabilities; their softmax gives these.
        """
        if self.window is None or self.training:
            pooled = [x.mean((2, 3, 4), keepdim=True) for x in features]
        else:
            pooled = [slide_mean(x, self.window) for x in features]
        logits = self.classify(torch.cat(pooled, dim=1)).flatten(2)  # N x K x places
        if logits.shape[2] == 1:
            return logits[:, :, 0]
        return logits.log_softmax(1).logsumexp(2) - math.log(logits.shape[2])

    def classify(self, pooled: Tensor) -> Tensor:
        """Compute logits (N, K, 1, H, W) of pooled features (N, C, 1, H, W)."""
        return project(self.projection, self.dropout(pooled.movedim(1, -1))).movedim(-1, 1)


class X3DHead(PoolHead):
    """The head of X3D: one layer widens the features before pooling, another one after pooling.

    It is PyTorchVideo's `create_x3d_head`.

    Args:
        num_classes: K.
        dropout: As for `PoolHead`.
        window: As for `PoolHead`.
    """

    IN_CHANNELS, INNER_CHANNELS, OUT_CHANNELS = 192, 432, 2048

    def __init__(self, num_classes: int, dropout: float = 0.5, window: int | None = None):
        super().__init__((self.OUT_CHANNELS,), num_classes, dropout, window)
        self.pre_conv = nn.Conv3d(self.IN_CHANNELS, self.INNER_CHANNELS, 1, bias=False)
        self.pre_norm = nn.BatchNorm3d(self.INNER_CHANNELS)
        self.post_conv = nn.Conv3d(self.INNER_CHANNELS, self.OUT_CHANNELS, 1, bias=False)
        for layer in (self.pre_conv, self.post_conv):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute logits (N, K) of the feature map (N, C, T, H, W) of one pathway."""
        return super().forward([F.relu(self.pre_norm(self.pre_conv(x))) for x in features])

    def classify(self, pooled: Tensor) -> Tensor:
        """Compute logits (N, K, 1, H, W) of pooled features (N, C, 1, H, W)."""
        return super().classify(F.relu(self.post_conv(pooled)))


class RoIHead(nn.Module):
    """Classify what each person does (PySlowFast `ResNetRoIHead`).

    Mean over time, ROIAlign on the spatial map, maximum over the cells of a box, concatenation of
    the pathways, dropout, linear. The caller applies the sigmoid, because losses take logits.

    Args:
        in_channels: Channels of each pathway.
        num_classes: K.
        stride: Pixels of the clip to a cell of the feature maps.
        resolution: Cells on each side of a box.
        dropout: Probability of dropping a feature in training.
        aligned: Apply the half-pixel correction of ROIAlign. False for Caffe2's weights.
        temporal_max: Take the maximum over time in place of the mean (MMAction2
            `temporal_pool_mode`).
        context: Add a feature of the whole clip to that of each person (MMAction2 `with_global`).
            The map is averaged down to the resolution of a box, then treated like a box.
        exclusive: Columns of classes of which a person does exactly one, such as the poses of AVA;
            see `exclusive_logits`.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        stride: int = 16,
        resolution: int = 7,
        dropout: float = 0.5,
        aligned: bool = True,
        temporal_max: bool = False,
        context: bool = False,
        exclusive: Sequence[int] = (),
    ):
        super().__init__()
        self.stride = stride
        self.roi_align = ROIAlign((resolution, resolution), 1 / stride, 0, aligned=aligned)
        self.temporal_max, self.context, self.exclusive = temporal_max, context, list(exclusive)
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(sum(in_channels) * (2 if context else 1), num_classes)
        init_projection(self.projection)

    def forward(
        self,
        features: Sequence[Tensor],
        rois: Tensor,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """Compute logits (R, K).

        Args:
            features: Feature maps (N, C_p, T_p, H, W).
            rois: Tensor (R, 5): index in the batch, then xyxy in pixels of the clip.
            sizes: N heights and widths in pixels of the part of each clip that the context covers.
                None means all of each clip.
        """
        dtype = self.projection.weight.dtype  # also under autocast: boxes need all digits
        maps = [(x.amax(2) if self.temporal_max else x.mean(2)).to(dtype) for x in features]
        pooled = [self.roi_align(x, rois.to(dtype)).amax((2, 3)) for x in maps]
        if self.context:
            pooled += [self._context(x, sizes)[rois[:, 0].long()] for x in maps]
        logits = project(self.projection, self.dropout(torch.cat(pooled, dim=1)))
        return exclusive_logits(logits, self.exclusive)

    def _context(self, x: Tensor, sizes: Sequence[tuple[int, int]] | None) -> Tensor:
        """Pool a feature (N, C) of each clip from maps (N, C, H, W), without the padding."""
        cells = [tuple(-(-side // self.stride) for side in size) for size in sizes or ()]
        parts = [x]
        if set(cells) - {tuple(x.shape[2:])}:  # some are padded
            parts = [x[n : n + 1, :, :height, :width] for n, (height, width) in enumerate(cells)]
        size = self.roi_align.output_size
        return torch.cat([F.adaptive_avg_pool2d(part, size).amax((2, 3)) for part in parts])


def project(projection: nn.Linear, features: Tensor) -> Tensor:
    """Compute logits in the type of the weights, also under autocast, which would round them until
    different scores are equal.
    """
    with full_precision(features.device):
        return projection(features.to(projection.weight.dtype))


def exclusive_logits(logits: Tensor, columns: Sequence[int]) -> Tensor:
    """Change the logits of some columns so that their sigmoid is the softmax over these columns.

    Without columns, the logits stay as they are.

    sigmoid(z_k - log sum_{j != k} exp z_j) = softmax(z)_k. Callers take the sigmoid of all columns
    and need not know of the group. AlphAction (Tang et al., ECCV 2020) has a softmax over the poses
    of AVA and sigmoids elsewhere.

    >>> exclusive_logits(torch.zeros(1, 4), [0, 1, 2]).sigmoid()
    tensor([[0.3333, 0.3333, 0.3333, 0.5000]])
    """
    if not columns:
        return logits
    group = logits[:, columns]
    itself = torch.eye(len(columns), dtype=torch.bool, device=logits.device)
    others = group[:, None, :].masked_fill(itself, -torch.inf).logsumexp(2)
    out = logits.clone()
    out[:, columns] = group - others
    return out


def slide_mean(x: Tensor, window: int) -> Tensor:
    """Average (N, C, T, H, W) over all frames and over `window` x `window` cells at each place.

    A side that is shorter than the window is averaged whole. The result is (N, C, 1, H', W').
    """
    sides = [min(window, side) for side in x.shape[3:]]
    return F.avg_pool3d(x, (x.shape[2], *sides), stride=1)


def init_projection(layer: nn.Linear) -> None:
    """Draw normal weights of deviation 0.01 and set biases to 0 (PySlowFast `init_weights`)."""
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
