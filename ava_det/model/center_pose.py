"""Find people and their keypoints in one stage: a person is a peak of a map.

Each person is the peak of a heat map (CenterNet, Zhou et al., arXiv 1904.07850). All cells near the
centre learn the box (TTFNet, Liu et al., arXiv 1909.00700), which takes far fewer steps than one
cell a person. A cell tells roughly where the keypoints of its person are, and further heat maps
tell exactly where, as in Google's MoveNet.

Shapes: N images, C channels, H W pixels, h w cells of `STRIDE` pixels, R people of an image, J
keypoints.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import roi_align

from ava_det.boxes import clip_relative, to_relative
from ava_det.model.efficientnet import MEAN, STD, EfficientNetLite0
from ava_det.peaks import REACH, read_people
from ava_det.structures import KEYPOINTS

J = len(KEYPOINTS)
STRIDE = 4
UNIT = 16.0  # pixels to one unit of the predicted distances
SPREAD = 0.54  # the part of a box whose cells learn the box (alpha of TTFNet)
KEYPOINT_SPREAD = 0.05  # of a keypoint's peak, in sides of the person
CENTRE = 0.3  # the part of a known box whose cells tell the keypoints
LEVELS = (4, 8, 16, 32)
RARE = -4.6  # the first logit of a heat map: a chance of 1 %


class PeopleMaps(NamedTuple):
    """What the network says about each cell.

    Attributes:
        people: (N, 1, h, w) logits: a person has the centre here.
        boxes: (N, 4, h, w) distances to the left, upper, right and lower side, in pixels.
        offsets: (N, 2 J, h, w) rough places of the person's keypoints from here, x y, in pixels.
        keypoints: (N, J, h, w) logits: a keypoint of anybody is here.
    """

    people: Tensor
    boxes: Tensor
    offsets: Tensor
    keypoints: Tensor


class Separable(nn.Sequential):
    """A depthwise convolution and one across channels, each with a norm, then ReLU.

    Args:
        channels: C of the input and the output.
        kernel: The side of the depthwise kernel.
    """

    def __init__(self, channels: int, kernel: int = 3):
        super().__init__(
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )


class CenterPose(nn.Module):
    """EfficientNet-lite0 with a pyramid down to stride 4, and one head.

    Args:
        channels: C of the pyramid.
        frozen: As for `EfficientNetLite0`.
    """

    def __init__(self, channels: int = 64, frozen: int = 0):
        super().__init__()
        self.backbone = EfficientNetLite0(frozen, LEVELS)
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, channels, 1, bias=False), nn.BatchNorm2d(channels))
            for c in self.backbone.out_channels
        )
        self.merged = nn.ModuleList(Separable(channels) for _ in LEVELS[:-1])
        self.trunk = nn.Sequential(Separable(channels, 5), Separable(channels, 5))
        self.outputs = nn.Conv2d(channels, 1 + 4 + 2 * J + J, 1)
        nn.init.normal_(self.outputs.weight, std=0.01)
        first = torch.zeros(1 + 4 + 2 * J + J)
        first[:1] = first[-J:] = RARE
        self.outputs.bias = nn.Parameter(first)

    def forward(self, images: Tensor) -> PeopleMaps:
        """Compute the maps of RGB images (N, 3, H, W) of 0 to 255."""
        return self.maps((images / 255 - MEAN[0]) / STD[0])

    def maps(self, images: Tensor) -> PeopleMaps:
        """Compute the maps of images (N, 3, H, W) that are normalised by `MEAN` and `STD`.

        Images are padded with grey to sides that `LEVELS` divide, because the cells of all levels
        have to lie above each other. The maps have no cells that lie in the padding alone.
        """
        height, width = images.shape[-2:]
        missing = (0, -width % LEVELS[-1], 0, -height % LEVELS[-1])
        maps = self.backbone(F.pad(images, missing) if any(missing) else images)
        levels = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        x = levels[-1]
        for level, merge in zip(levels[-2::-1], self.merged, strict=True):
            x = merge(level + F.interpolate(x, level.shape[-2:], mode="nearest"))
        x = self.outputs(self.trunk(x))[..., : -(-height // STRIDE), : -(-width // STRIDE)]
        people, boxes, offsets, keypoints = x.split((1, 4, 2 * J, J), 1)
        return PeopleMaps(people, UNIT * F.softplus(boxes), UNIT * offsets, keypoints)


def center_pose_lite(channels: int = 64, frozen: int = 0) -> CenterPose:
    """Return a `CenterPose` on EfficientNet-lite0, for frames of a short side of 160 to 288.

    It has 3.5 M parameters, and may start from weights of ImageNet (`train.init`).

    Args:
        channels: Channels of the pyramid.
        frozen: The number of first blocks that do not learn (`EfficientNetLite0`).
    """
    return CenterPose(channels, frozen)


def people_on(
    maps: PeopleMaps, height: int, width: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Read the people from the maps of N images of `height` x `width` pixels, best first.

    Returns:
        N times: (R, 4) relative boxes, (R,) scores and (R, J, 3) keypoints: relative x and y, and
        score; all float64.
    """
    people = []
    for parts in zip(*(x.float().cpu().numpy() for x in maps), strict=True):
        boxes, scores, keypoints = read_people(*parts, stride=STRIDE)
        keypoints = keypoints / [width, height, 1.0]
        people.append((clip_relative(to_relative(boxes, height, width)), scores, keypoints))
    return people


def keypoints_of(offsets: Tensor, keypoints: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    """Read the keypoints of people in known boxes.

    As in `ava_det.peaks`, a rough place is moved to a peak nearby, here smoothly: to the mean place
    of the heat around it.

    Args:
        offsets: As in `PeopleMaps`.
        keypoints: As in `PeopleMaps`.
        rois: (R, 5): the number of the image, then xyxy in pixels.

    Returns:
        Places (R, J, 2), x y in pixels, and scores (R, J).
    """
    height, width = offsets.shape[-2:]
    y = (torch.arange(height, device=rois.device) + 0.5) * STRIDE
    x = (torch.arange(width, device=rois.device) + 0.5) * STRIDE
    here = torch.stack(torch.broadcast_tensors(x, y[:, None]))  # (2, h, w)
    places = offsets + here.repeat(J, 1, 1)
    boxes = rois[:, 1:]
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, _sides(boxes) / 2 * CENTRE
    centres = torch.cat([rois[:, :1], middle - half, middle + half], 1)
    rough = roi_align(places, centres.to(places.dtype), 1, 1 / STRIDE, 2, True)[:, :, 0, 0]
    side = _sides(boxes).clamp(min=1).prod(1).sqrt()
    heat = keypoints.sigmoid()
    found = [
        _to_peaks(heat[number], rough[one].unflatten(0, (J, 2)), side[one], x, y)
        for one, number in enumerate(rois[:, 0].long().tolist())
    ]
    if not found:
        return rois.new_zeros(0, J, 2), rois.new_zeros(0, J)
    return torch.stack([place for place, _ in found]), torch.stack([score for _, score in found])


def _to_peaks(
    heat: Tensor, rough: Tensor, side: Tensor, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """Move rough places (J, 2) to the heat (J, h, w) around them; return also its height (J,)."""
    reach = (REACH * side).clamp(min=STRIDE)
    near_x = (-((x - rough[:, :1]) / reach).square() / 2).exp()  # (J, w)
    near_y = (-((y - rough[:, 1:]) / reach).square() / 2).exp()  # (J, h)
    weights = heat * near_y[:, :, None] * near_x[:, None]
    score = weights.amax((1, 2))
    weights = weights.square() + 1e-8 * (near_y[:, :, None] * near_x[:, None])
    total = weights.sum((1, 2)) + 1e-12
    place = torch.stack([(weights.sum(1) * x).sum(1), (weights.sum(2) * y).sum(1)], 1)
    inside = total[:, None] > 1e-9  # else the rough place is far outside of the picture
    return torch.where(inside, place / total[:, None], rough), score


class PeopleTargets(NamedTuple):
    """What the cells of N images should say; cells without a person have weight 0.

    Attributes:
        people: (N, 1, h, w) in [0, 1], 1 at the cell of a centre.
        counts: (N, 1, h, w) bool, False where the heat map is not judged.
        boxes: (N, 4, h, w) corners of the person of the cell, in pixels.
        weights: (N, h, w) weights of the boxes, which sum to the logarithm of the person's area.
        points: (N, 2 J, h, w) keypoints of the person of the cell, x y in pixels.
        seen: (N, J, h, w) 1 if the keypoint is known.
        keypoints: (N, J, h, w) in [0, 1], 1 at the cell of a keypoint.
    """

    people: Tensor
    counts: Tensor
    boxes: Tensor
    weights: Tensor
    points: Tensor
    seen: Tensor
    keypoints: Tensor


def targets(
    size: tuple[int, int],
    boxes: Sequence[Tensor],
    keypoints: Sequence[Tensor],
    crowds: Sequence[Tensor],
) -> PeopleTargets:
    """Return the targets of N images.

    Args:
        size: (h, w).
        boxes: N times (R, 4) float32, xyxy in pixels.
        keypoints: N times (R, J, 3) float32: x, y in pixels, and more than 0 if known.
        crowds: N times (M, 4) boxes of people who may be found or not, such as doubtful ones.
    """
    parts = [_targets_of(size, *one) for one in zip(boxes, keypoints, crowds, strict=True)]
    return PeopleTargets(*(torch.stack(part) for part in zip(*parts, strict=True)))


def _targets_of(
    size: tuple[int, int], boxes: Tensor, keypoints: Tensor, crowds: Tensor
) -> PeopleTargets:
    height, width = size
    device = boxes.device
    order = (_sides(boxes).prod(1)).argsort(descending=True)  # a small person is in front
    boxes, keypoints = boxes[order], keypoints[order]
    row, column = torch.arange(height, device=device), torch.arange(width, device=device)
    counts = torch.ones(1, height, width, dtype=torch.bool, device=device)
    for left, top, right, bottom in crowds.tolist():
        inside_y = (row >= int(top / STRIDE)) & (row <= bottom / STRIDE)
        inside_x = (column >= int(left / STRIDE)) & (column <= right / STRIDE)
        counts &= ~(inside_y[:, None] & inside_x)
    people = torch.zeros(1, height, width, device=device)
    kinds = torch.zeros(J, height, width, device=device)
    corners = torch.zeros(4, height, width, device=device)
    points = torch.zeros(2 * J, height, width, device=device)
    seen = torch.zeros(J, height, width, device=device)
    weights = torch.zeros(height, width, device=device)
    last = torch.tensor([width - 1, height - 1], device=device)
    for box, joints in zip(boxes, keypoints, strict=True):
        sides = (box[2:] - box[:2]).clamp(min=1)
        centre = ((box[:2] + box[2:]) / 2 / STRIDE).floor().clamp(min=0).minimum(last)
        reach = (sides / STRIDE / 2 * SPREAD).floor()
        bell = _bell(column, row, centre, (2 * reach + 1) / 6)
        bell *= (column - centre[0]).abs() <= reach[0]
        bell *= ((row - centre[1]).abs() <= reach[1])[:, None]
        people = people.maximum(bell)
        inside = bell > 0
        corners = torch.where(inside, box[:, None, None], corners)
        points = torch.where(inside, joints[:, :2].flatten()[:, None, None], points)
        known = (joints[:, 2] > 0).to(seen)
        seen = torch.where(inside, known[:, None, None], seen)
        share = bell / bell.sum() * sides.prod().clamp(min=4).log()
        weights = torch.where(inside, share, weights)
        spread = (KEYPOINT_SPREAD * sides.prod().sqrt() / STRIDE).clamp(min=1).expand(2)
        places = (joints[:, :2] / STRIDE).floor()
        on = (known > 0) & (places >= 0).all(1) & (places <= last).all(1)
        for joint in on.nonzero()[:, 0].tolist():
            kinds[joint] = kinds[joint].maximum(_bell(column, row, places[joint], spread))
    counts |= people > 0
    return PeopleTargets(people, counts, corners, weights, points, seen, kinds)


def _bell(column: Tensor, row: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
    """Return a Gaussian (h, w), 1 at the centre, without its far ends."""
    x, y = (column - centre[0]) / spread[0], (row - centre[1]) / spread[1]
    bell = (-(x.square() + y.square()[:, None]) / 2).exp()
    return torch.where(bell < 1e-4, 0.0, bell)


def _sides(boxes: Tensor) -> Tensor:
    return boxes[..., 2:] - boxes[..., :2]


def losses(maps: PeopleMaps, goal: PeopleTargets) -> dict[str, Tensor]:
    """Return the four losses of a batch.

    Heat maps have CenterNet's focal loss, boxes 1 - GIoU, and rough keypoints the distance in sides
    of the person.
    """
    count = torch.ones_like(goal.people, dtype=torch.bool)
    person = goal.weights > 0
    weights = goal.weights[person]
    total = weights.sum().clamp(min=1.0)
    height, width = goal.weights.shape[1:]
    y, x = torch.meshgrid(
        torch.arange(height, device=weights.device),
        torch.arange(width, device=weights.device),
        indexing="ij",
    )
    here = (torch.stack([x, y], -1).float() + 0.5) * STRIDE  # (h, w, 2)
    here = here.expand(len(person), -1, -1, -1)[person]
    away = maps.boxes.movedim(1, -1)[person].float()
    found = torch.cat([here - away[:, :2], here + away[:, 2:]], 1)
    wanted = goal.boxes.movedim(1, -1)[person]
    rough = maps.offsets.movedim(1, -1)[person].float().unflatten(1, (J, 2)) + here[:, None]
    miss = (rough - goal.points.movedim(1, -1)[person].unflatten(1, (J, 2))).abs().sum(2)
    seen = goal.seen.movedim(1, -1)[person] * weights[:, None]
    side = _sides(wanted).clamp(min=1).prod(1).sqrt()
    return {
        "people": focal(maps.people, goal.people, goal.counts),
        "boxes": 5 * (weights * (1 - giou(found, wanted))).sum() / total,
        "offsets": 2 * (miss / side[:, None] * seen).sum() / seen.sum().clamp(min=1.0),
        "keypoints": focal(maps.keypoints, goal.keypoints, count),
    }


def focal(logits: Tensor, goal: Tensor, counts: Tensor) -> Tensor:
    """Return CenterNet's focal loss of a heat map, divided by the number of peaks."""
    logits = logits.float()
    chance = logits.sigmoid()
    peak = goal == 1
    hit = F.logsigmoid(logits) * (1 - chance).square() * peak
    miss = F.logsigmoid(-logits) * chance.square() * (1 - goal) ** 4 * ~peak
    return -((hit + miss) * counts).sum() / peak.sum().clamp(min=1)


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Return the generalised IoU (M,) of pairs of boxes (M, 4) (Rezatofighi et al., CVPR 2019)."""
    met = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    both = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    met = met.prod(1)
    union = _sides(a).prod(1) + _sides(b).prod(1) - met
    return met / union.clamp(min=1e-6) - (both - union) / both.clamp(min=1e-6)
