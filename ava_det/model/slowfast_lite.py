"""SlowFast-lite: a small network of ImageNet sees what there is, optical flow sees what moves.

The slow pathway is EfficientNet-lite0 on single frames. A frame's features depend on no other
frame, so a stream computes them once. The fast pathway is explicit motion (`MotionMaps`). The head
follows each person through the clip, in a tube of boxes.

Shapes: N clips, C channels, T frames, H W pixels or cells, R people, K classes, G cells of a side.
"""

from collections.abc import Sequence

import torch
from detectron2.layers import ROIAlign
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.model.backbones import Backbone
from ava_det.model.efficientnet import EfficientNetLite0
from ava_det.model.heads import exclusive_logits, project
from ava_det.model.motion import MotionMaps
from ava_det.model.pathways import SplitPathways

IMAGES = 4  # in one pass; a CPU takes several times as long for many, which leave its caches
STRIDES = (16, 32)  # pixels of the clip to a cell of the two maps of the slow pathway
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3  # of the pixels / 255, as in EfficientNet-lite0


class SplitByStep(SplitPathways):
    """Take every alpha-th frame of a clip for the slow pathway, every beta-th for the fast one."""

    def __init__(self, alpha: int, beta: int):
        super().__init__(alpha, from_first=True)
        self.beta = beta

    def forward(self, clip: Tensor) -> list[Tensor]:
        """Split (N, C, T, H, W) into (N, C, T / alpha, H, W) and (N, C, T / beta, H, W)."""
        return [clip[:, :, :: self.alpha], clip[:, :, :: self.beta]]


class SlowFastLite(Backbone):
    """Make the maps of a clip: two of the slow pathway and one of motion.

    Args:
        alpha: Frames of the clip to a frame of the slow pathway.
        beta: Frames of the clip to a frame of the fast pathway.
        frozen: The number of first blocks of EfficientNet-lite0 that do not learn.
    """

    def __init__(self, alpha: int, beta: int, frozen: int):
        channels = (*EfficientNetLite0.OUT_CHANNELS, MotionMaps.CHANNELS)
        super().__init__(SplitByStep(alpha, beta), (), channels, STRIDES[0])
        self.alpha, self.beta = alpha, beta
        self.slow, self.fast = EfficientNetLite0(frozen), MotionMaps(MEAN[0], STD[0])

    def forward(self, clip: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Compute maps (N, C_p, T_p, H_p, W_p): of stride 16, of stride 32 and of motion.

        Args:
            clip: Normalised tensor (N, 3, T, H, W), or the pathways, already split. T_p is
                T / alpha for the maps of the slow pathway and T / beta - 1 for that of motion.
        """
        frames, moving = self.split(clip) if isinstance(clip, Tensor) else clip
        images = frames.transpose(1, 2).flatten(0, 1)
        parts = [self.slow(part) for part in images.split(IMAGES)]
        maps = [torch.cat(part) for part in zip(*parts, strict=True)]
        slow = [x.unflatten(0, (len(frames), frames.shape[2])).transpose(1, 2) for x in maps]
        return [*slow, self.fast(moving)]

    def keep_resolution(self, dilation: int) -> None:
        """Refuse, because the head uses the maps of both strides.

        Raises:
            ValueError: Always.
        """
        raise ValueError("slowfast_lite gives maps of both strides: set dilation to None")


class TubeHead(nn.Module):
    """Classify what each person does, by appearance and by motion in the tube of the person.

    Appearance: at each slow frame, the box is pooled in rows (head, body, feet) on both maps, then
    once more by how much each cell moves: the connection from fast to slow. The last map of the
    whole frame is added as context. Over time, the head takes the mean and the mean change.
    Motion: the box, a little enlarged, is pooled in cells, and averaged over thirds of the clip.
    Both have a linear layer, and the logits are added.

    Args:
        num_classes: K.
        backbone: The backbone that makes the maps.
        dropout: Probability of dropping a feature in training.
        exclusive: As for `RoIHead`.
    """

    ROWS, CELLS, THIRDS = 3, 4, 3
    GROWN = 1.3  # the side of a box for motion, in sides of the box

    def __init__(
        self,
        num_classes: int,
        backbone: SlowFastLite,
        dropout: float = 0.5,
        exclusive: Sequence[int] = (),
    ):
        super().__init__()
        self.alpha, self.beta, self.exclusive = backbone.alpha, backbone.beta, list(exclusive)
        self.align = nn.ModuleList(
            ROIAlign((self.ROWS, self.ROWS), 1 / stride, 2, aligned=True) for stride in STRIDES
        )
        cells = (self.CELLS, self.CELLS)
        self.align_motion = ROIAlign(cells, 1 / backbone.fast.stride, 3, aligned=True)
        *appearance, motion = backbone.out_channels
        slow = 2 * (self.ROWS * sum(appearance) + appearance[-1]) + sum(appearance)
        fast = 2 * motion * self.THIRDS * self.CELLS**2
        self.appearance = Stream(slow, num_classes, dropout)
        self.motion = Stream(fast, num_classes, dropout)

    def forward(
        self,
        features: Sequence[Tensor],
        rois: Tensor,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """Compute logits (R, K).

        Args:
            features: The maps of `SlowFastLite`.
            rois: Tensor (R, 5): index in the batch, then xyxy in pixels of the clip. Or tubes
                (R, T, 5), with a box for every frame of the clip.
            sizes: N heights and widths in pixels of the part of each clip that is not padding.
        """
        *slow, motion = features
        moving = self.pooled(motion, self.align_motion, rois, self.beta, self.beta // 2, self.GROWN)
        seen = [
            self.pooled(x, align, rois, self.alpha)
            for x, align in zip(slow, self.align, strict=True)
        ]
        numbers = (rois if rois.ndim == 2 else rois[:, 0])[:, 0].long()
        context = self.context(slow[-1], sizes)[numbers]
        logits = self.appearance(self._appearance(seen, context, moving))
        logits = logits + self.motion(self._motion(moving))
        return exclusive_logits(logits, self.exclusive)

    def pooled(
        self, x: Tensor, align: nn.Module, rois: Tensor, step: int, first: int = 0, grown: float = 1
    ) -> Tensor:
        """Pool the tubes on a map (N, C, T, H, W): (R, T, C, G, G).

        The frames of the map are frames first, first + step, .. of the clip.
        """
        frames = x.shape[2]
        if rois.ndim == 2:
            rois = rois[:, None].expand(-1, frames, -1)
        else:
            rois = rois[:, first::step][:, :frames]
        number, corners = rois[..., :1], rois[..., 1:]
        middle = (corners[..., :2] + corners[..., 2:]) / 2
        half = (corners[..., 2:] - corners[..., :2]) / 2 * grown
        number = number * frames + torch.arange(frames, device=x.device)[:, None]
        boxes = torch.cat([number, middle - half, middle + half], -1).flatten(0, 1)
        maps = x.transpose(1, 2).flatten(0, 1)
        return align(maps, boxes.to(maps.dtype)).unflatten(0, (len(rois), frames))

    def context(self, x: Tensor, sizes: Sequence[tuple[int, int]] | None) -> Tensor:
        """Average maps (N, C, T, H, W) over the part that is not padding: (N, T, C)."""
        if sizes is None:
            return x.mean((3, 4)).transpose(1, 2)
        cells = [[max(1, side // STRIDES[-1]) for side in size] for size in sizes]
        means = [x[n, :, :, :h, :w].mean((2, 3)) for n, (h, w) in enumerate(cells)]
        return torch.stack(means).transpose(1, 2)

    def _appearance(self, seen: Sequence[Tensor], context: Tensor, moving: Tensor) -> Tensor:
        rows = [x.mean(4).flatten(2) for x in seen]  # (R, T, C * G)
        x = torch.cat([*rows, context], 2)
        change = x.diff(dim=1).abs().mean(1) if x.shape[1] > 1 else torch.zeros_like(x[:, 0])
        return torch.cat([x.mean(1), change, *self._where_it_moves(seen, moving)], 1)

    def _where_it_moves(self, seen: Sequence[Tensor], moving: Tensor) -> list[Tensor]:
        """Average the cells of a box, weighted by how much they move: (R, C) for each map."""
        energy = moving[:, :, : MotionMaps.GROUPS[0] - 1].sum(2)
        energy = F.adaptive_avg_pool3d(energy, (seen[0].shape[1], self.ROWS, self.ROWS)) + 1e-3
        weights = (energy / energy.sum((2, 3), keepdim=True))[:, :, None]
        return [(x * weights).sum((3, 4)).mean(1) for x in seen]

    def _motion(self, moving: Tensor) -> Tensor:
        """Compute features of motion (R, C): roots of amounts, and of shares of all motion."""
        people, _, channels, *cells = moving.shape
        rows = moving.movedim(1, -1).flatten(1, 3)  # (R, C * G * G, T)
        parts = F.adaptive_avg_pool1d(rows, self.THIRDS).clamp(min=0)
        parts = parts.reshape(people, channels, *cells, self.THIRDS)
        shares = [
            10 * group / (group.sum((1, 2, 3, 4), keepdim=True) + 1e-2)
            for group in parts.split(MotionMaps.GROUPS, 1)
        ]
        return (torch.cat([parts / 3, *shares], 1) + 1e-6).sqrt().flatten(1)


class Stream(nn.Module):
    """Classify standardised features with one linear layer.

    Args:
        features: The number of features.
        num_classes: K.
        dropout: Probability of dropping a feature in training.
    """

    def __init__(self, features: int, num_classes: int, dropout: float):
        super().__init__()
        self.norm = nn.BatchNorm1d(features, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(features, num_classes)
        nn.init.zeros_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (R, K) of features (R, C)."""
        norm = self.norm
        if len(x) < 2 and isinstance(norm, nn.BatchNorm1d):  # not a synchronised one
            x = F.batch_norm(x, norm.running_mean, norm.running_var)  # one person has no statistics
        else:
            x = norm(x)
        return project(self.projection, self.dropout(x))
