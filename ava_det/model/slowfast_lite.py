"""SlowFast-lite: a small network of ImageNet sees what there is, optical flow sees what moves.

The slow pathway is EfficientNet-lite0 on single frames. A frame's features depend on no other
frame, so a stream computes them once. The fast pathway is explicit motion (`MotionMaps`). A network
that was trained to find people (`CenterPose`) tells where the keypoints are on the slow frames. The
head follows each person through the clip, in a tube of boxes.

Shapes: N clips, C channels, T frames, H W pixels or cells, R people, J keypoints, K classes,
G cells of a side.
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from detectron2.layers import ROIAlign
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.model.backbones import Backbone
from ava_det.model.center_pose import CenterPose, keypoints_of
from ava_det.model.efficientnet import MEAN, STD, EfficientNetLite0
from ava_det.model.heads import exclusive_logits, project
from ava_det.model.motion import MotionMaps
from ava_det.model.pathways import SplitPathways
from ava_det.structures import KEYPOINTS

J = len(KEYPOINTS)
LIMBS = [0, *range(5, J)]  # the keypoints whose motion counts: the nose, and all below the head
PAIRS = list(combinations(range(J), 2))
SLOW = 8  # the steps of keypoints from one slow frame to the next are pooled to SLOW - 1
LEAST_SCORE = 0.1  # of a keypoint that is known
IMAGES = 4  # in one pass; a CPU takes several times as long for many, which leave its caches
STRIDES = (16, 32)  # pixels of the clip to a cell of the two maps of the slow pathway


class SplitByStep(SplitPathways):
    """Take every alpha-th frame of a clip for the slow pathway, every beta-th for the fast one."""

    def __init__(self, alpha: int, beta: int):
        super().__init__(alpha, from_first=True)
        self.beta = beta

    def forward(self, clip: Tensor) -> list[Tensor]:
        """Split (N, C, T, H, W) into (N, C, T / alpha, H, W) and (N, C, T / beta, H, W)."""
        return [clip[:, :, :: self.alpha], clip[:, :, :: self.beta]]


class SlowFastLite(Backbone):
    """Make the maps of a clip: two of the slow pathway, one of motion and two of keypoints.

    The network of keypoints does not learn.

    Args:
        alpha: Frames of the clip to a frame of the slow pathway.
        beta: Frames of the clip to a frame of the fast pathway.
        frozen: The number of first blocks of EfficientNet-lite0 that do not learn.
    """

    def __init__(self, alpha: int, beta: int, frozen: int):
        slow = EfficientNetLite0(frozen, STRIDES)
        channels = (*slow.out_channels, MotionMaps.CHANNELS, 2 * J, J)
        super().__init__(SplitByStep(alpha, beta), (), channels, STRIDES[0])
        self.alpha, self.beta = alpha, beta
        self.slow, self.fast = slow, MotionMaps(MEAN[0], STD[0])
        self.pose = CenterPose().requires_grad_(False)

    def forward(self, clip: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Compute maps (N, C_p, T_p, H_p, W_p).

        They are of stride 16, of stride 32, of motion, and of `PeopleMaps` the offsets and the
        keypoints.

        Args:
            clip: Normalised tensor (N, 3, T, H, W), or the pathways, already split. T_p is
                T / beta - 1 for the maps of motion, and T / alpha for all others.
        """
        frames, moving = self.split(clip) if isinstance(clip, Tensor) else clip
        images = frames.transpose(1, 2).flatten(0, 1)
        parts = [(*self.slow(part), *self._keypoints(part)) for part in images.split(IMAGES)]
        maps = [torch.cat(part) for part in zip(*parts, strict=True)]
        middle, last, offsets, keypoints = (
            x.unflatten(0, (len(frames), frames.shape[2])).transpose(1, 2) for x in maps
        )
        return [middle, last, self.fast(moving), offsets, keypoints]

    def _keypoints(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.pose.maps(images)
        return maps.offsets, maps.keypoints

    def train(self, mode: bool = True) -> "SlowFastLite":
        """Set the mode of all but the network of keypoints, which does not learn."""
        super().train(mode)
        self.pose.eval()
        return self

    def keep_resolution(self, dilation: int) -> None:
        """Refuse, because the head uses the maps of both strides.

        Raises:
            ValueError: Always.
        """
        raise ValueError("slowfast_lite gives maps of both strides: set dilation to None")


class TubeHead(nn.Module):
    """Classify what each person does, by appearance, motion and pose in the tube of the person.

    Appearance: at each slow frame, the box is pooled in rows (head, body, feet) on both maps, then
    once more by how much each cell moves: the connection from fast to slow. The last map of the
    whole frame is added as context. Over time, the head takes the mean and the mean change.
    Motion: the box, a little enlarged, is pooled in cells, and so are the places around keypoints,
    and averaged over thirds of the clip. Pose: places of keypoints in the box, distances between
    them, and their changes. Each of the three streams has a linear layer, learns to tell the
    actions on its own, and the sum of the logits, scaled, counts.

    Args:
        num_classes: K.
        backbone: The backbone that makes the maps.
        dropout: Probability of dropping a feature in training.
        exclusive: As for `RoIHead`.
        streams: The streams to use, for tests without one of them.
    """

    ROWS, CELLS, THIRDS = 3, 4, 3
    GROWN = 1.3  # the side of a box for motion, in sides of the box
    AROUND = 0.126  # how far the motion around a keypoint reaches, in longer sides of the box
    SHARE = 0.5  # of the sum of logits; the streams err together, so their sum is too sure
    STREAMS = ("appearance", "motion", "pose")

    def __init__(
        self,
        num_classes: int,
        backbone: SlowFastLite,
        dropout: float = 0.5,
        exclusive: Sequence[int] = (),
        streams: Sequence[str] = STREAMS,
    ):
        super().__init__()
        self.alpha, self.beta, self.exclusive = backbone.alpha, backbone.beta, list(exclusive)
        self.align = nn.ModuleList(
            ROIAlign((self.ROWS, self.ROWS), 1 / stride, 2, aligned=True) for stride in STRIDES
        )
        cells, scale = (self.CELLS, self.CELLS), 1 / backbone.fast.stride
        self.align_motion = ROIAlign(cells, scale, 3, aligned=True)
        self.align_around = ROIAlign((1, 1), scale, 3, aligned=True)
        *appearance, motion = backbone.out_channels[:3]
        sizes = {
            "appearance": 2 * (self.ROWS * sum(appearance) + appearance[-1]) + sum(appearance),
            "motion": 2 * motion * self.THIRDS * (self.CELLS**2 + len(LIMBS)),
            "pose": 7 * J + 2 * J * (SLOW - 1) + 3 * len(PAIRS),
        }
        self.streams = nn.ModuleDict(
            {name: Stream(sizes[name], num_classes, dropout) for name in streams}
        )

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
        described = self.describe(features, rois, sizes)
        logits = [stream(described[name]) for name, stream in self.streams.items()]
        return self.finish(self.SHARE * torch.stack(logits).sum(0))

    def finish(self, logits: Tensor) -> Tensor:
        """Return logits (R, K) whose sigmoids are scores."""
        return exclusive_logits(logits, self.exclusive)

    def describe(
        self,
        features: Sequence[Tensor],
        rois: Tensor,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the input (R, C) of each stream; the arguments are those of `forward`."""
        middle, last, motion, offsets, keypoints = features
        slow, first = (middle, last), self.beta // 2
        moving = self.pooled(motion, self.align_motion, rois, self.beta, first, self.GROWN)
        seen = [
            self.pooled(x, align, rois, self.alpha)
            for x, align in zip(slow, self.align, strict=True)
        ]
        numbers = (rois if rois.ndim == 2 else rois[:, 0])[:, 0].long()
        context = self.context(last, sizes)[numbers]
        boxes = self._on_frames(rois, offsets.shape[2], self.alpha)  # (R, T, 5)
        offsets, keypoints = (x.transpose(1, 2).flatten(0, 1) for x in (offsets, keypoints))
        places, scores = keypoints_of(offsets, keypoints, boxes.flatten(0, 1))
        places, scores = (x.unflatten(0, boxes.shape[:2]) for x in (places, scores))
        around = self._around(motion, rois, places[:, :, LIMBS])
        return {
            "appearance": self._appearance(seen, context, moving),
            "motion": torch.cat([self._motion(moving.flatten(3)), self._motion(around)], 1),
            "pose": _pose(places, scores, boxes[..., 1:]),
        }

    def pooled(
        self, x: Tensor, align: nn.Module, rois: Tensor, step: int, first: int = 0, grown: float = 1
    ) -> Tensor:
        """Pool the tubes on a map (N, C, T, H, W): (R, T, C, G, G).

        The frames of the map are frames first, first + step, .. of the clip.
        """
        frames = x.shape[2]
        rois = self._on_frames(rois, frames, step, first)
        corners = rois[..., 1:]
        middle = (corners[..., :2] + corners[..., 2:]) / 2
        half = (corners[..., 2:] - corners[..., :2]) / 2 * grown
        boxes = torch.cat([rois[..., :1], middle - half, middle + half], -1).flatten(0, 1)
        maps = x.transpose(1, 2).flatten(0, 1)
        return align(maps, boxes.to(maps.dtype)).unflatten(0, rois.shape[:2])

    def _on_frames(self, rois: Tensor, frames: int, step: int, first: int = 0) -> Tensor:
        """Return the boxes (R, T, 5) on T frames of a map; the first number counts all frames."""
        if rois.ndim == 2:
            rois = rois[:, None].expand(-1, frames, -1)
        else:
            rois = rois[:, first::step][:, :frames]
        frame = torch.arange(frames, device=rois.device)[:, None]
        return torch.cat([rois[..., :1] * frames + frame, rois[..., 1:]], -1)

    def _around(self, motion: Tensor, rois: Tensor, places: Tensor) -> Tensor:
        """Pool the motion (R, T, C, L) around places (R, T', L, 2) on the slow frames."""
        frames = motion.shape[2]
        boxes = self._on_frames(rois, frames, self.beta, self.beta // 2)
        at = (torch.arange(frames, device=rois.device) + 0.5) * self.beta / self.alpha
        at = at.clamp(max=places.shape[1] - 1)
        before, part = at.floor().long(), (at - at.floor())[:, None, None]
        after = (before + 1).clamp(max=places.shape[1] - 1)
        there = places[:, before] * (1 - part) + places[:, after] * part  # (R, T, L, 2)
        side = (boxes[..., 3:] - boxes[..., 1:3]).amax(-1)[:, :, None, None]
        number = boxes[:, :, None, :1].expand(-1, -1, there.shape[2], -1)
        reach = self.AROUND * side
        around = torch.cat([number, there - reach, there + reach], -1)
        maps = motion.transpose(1, 2).flatten(0, 1)
        pooled = self.align_around(maps, around.flatten(0, 2).to(maps.dtype))[:, :, 0, 0]
        return pooled.unflatten(0, there.shape[:3]).transpose(2, 3)

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
        """Compute features of motion (R, C'): roots of amounts, and of shares of all motion.

        Args:
            moving: (R, T, C, P) motion at P places.
        """
        people, _, channels, places = moving.shape
        rows = moving.movedim(1, -1).flatten(1, 2)  # (R, C * P, T)
        parts = F.adaptive_avg_pool1d(rows, self.THIRDS).clamp(min=0)
        parts = parts.reshape(people, channels, places, self.THIRDS)
        shares = [
            10 * group / (group.sum((1, 2, 3), keepdim=True) + 1e-2)
            for group in parts.split(MotionMaps.GROUPS, 1)
        ]
        return (torch.cat([parts / 3, *shares], 1) + 1e-6).sqrt().flatten(1)


def _pose(places: Tensor, scores: Tensor, boxes: Tensor) -> Tensor:
    """Describe how a person holds and moves the limbs, (R, C).

    Args:
        places: (R, T, J, 2) keypoints, x y in pixels.
        scores: (R, T, J).
        boxes: (R, T, 4) xyxy in pixels.
    """
    if places.shape[1] == 1:  # one frame: nothing changes
        places, scores, boxes = (x.expand(-1, 2, *x.shape[2:]) for x in (places, scores, boxes))
    middle, side = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]).amax(-1)
    known = (scores > LEAST_SCORE).to(places.dtype)
    at = (places - middle[:, :, None]) * 2 / side.clamp(min=1)[:, :, None, None]
    at = at.clamp(-3, 3) * known[..., None]
    one, other = torch.tensor(PAIRS, device=places.device).T
    apart = ((at[:, :, one] - at[:, :, other]).square().sum(-1) + 1e-4).sqrt()
    apart = apart * known[:, :, one] * known[:, :, other]
    step = at.diff(dim=1) * (known[:, 1:] * known[:, :-1])[..., None]
    steps = F.adaptive_avg_pool1d(step.flatten(2).transpose(1, 2), SLOW - 1)
    values = [
        *_mean_and_spread(at.flatten(2)),
        scores.mean(1),
        step.abs().mean(1).flatten(1),
        steps.flatten(1),
        *_mean_and_spread(apart),
        apart.diff(dim=1).abs().mean(1),
    ]
    return torch.cat(values, 1)


def _mean_and_spread(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (R, C) over time of values (R, T, C)."""
    mean = x.mean(1)
    return mean, ((x - mean[:, None]).square().mean(1) + 1e-6).sqrt()


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
