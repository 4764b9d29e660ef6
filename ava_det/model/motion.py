"""Explicit motion of a clip: optical flow, its borders and the changes of brightness, by direction.

The channels are those of the hand-made features HOF and MBH (Dalal, Triggs and Schmid, ECCV 2006;
Wang et al., IJCV 2013): how much moves into each direction. They are dense maps, made once for a
frame and shared by all people.

Shapes: N clips, T frames, H W pixels, h w cells.
"""

import math

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.model.device import full_precision

DIRECTIONS = 8
CELL = 2  # pixels of the smaller frames on each side
STILL = 0.3  # pixels; a cell that moves less stands still
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
GREYS = 16.0  # a change by so many grey levels of 255 counts like a pixel of flow


class MotionMaps(nn.Module):
    """Compute maps of motion from consecutive frames.

    OpenCV computes the flow (DIS, Kroeger et al., arXiv 1603.03590) on the CPU. Gradients do not
    reach the clip.

    Args:
        mean: The mean of the pixels / 255 that the clips were normalised with.
        std: The standard deviation.
        shrink: Frames are made smaller by this factor before the flow. On larger frames the flow
            follows small parts, and actions are recognised less well.

    Attributes:
        stride: The pixels of the clip to a cell.
        GROUPS: The numbers of channels that belong together: directions of the flow, cells that
            stand still, directions of the borders of horizontal and of vertical flow, brighter and
            darker, directions of the borders of changes.
    """

    GROUPS = (DIRECTIONS + 1, DIRECTIONS, DIRECTIONS, 2, DIRECTIONS)
    CHANNELS = sum(GROUPS)

    def __init__(self, mean: float, std: float, shrink: float = 2.8):
        super().__init__()
        self.mean, self.std, self.shrink = mean, std, shrink
        self.stride = CELL * shrink
        angles = torch.arange(DIRECTIONS) * (2 * math.pi / DIRECTIONS)
        directions = torch.stack([angles.cos(), angles.sin()], 1)
        self.register_buffer("directions", directions, persistent=False)
        self.register_buffer("luma", torch.tensor(LUMA), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """Compute maps (N, CHANNELS, T - 1, h, w) of normalised clips (N, 3, T, H, W).

        Map t shows the motion from frame t to frame t + 1. A cell has CELL x CELL pixels of the
        smaller frames. The median flow of a frame, which is that of the camera, is subtracted.
        Everything is in single precision, also under autocast.
        """
        with full_precision(clips.device):
            return self._forward(clips.float())

    def _forward(self, clips: Tensor) -> Tensor:
        grey = self._grey(clips)
        if grey.is_meta:  # shapes without numbers
            flow = clips.new_zeros(len(grey), grey.shape[1] - 1, 2, *grey.shape[2:])
        else:
            videos = grey.cpu().numpy()
            flow = torch.stack([optical_flow(video) for video in videos]).to(clips.device)
        change = (grey[:, 1:].float() - grey[:, :-1].float()) / GREYS
        maps = self.maps(flow.flatten(0, 1), change.flatten(0, 1))
        return maps.unflatten(0, flow.shape[:2]).transpose(1, 2)

    def maps(self, flow: Tensor, change: Tensor) -> Tensor:
        """Compute maps (N, CHANNELS, h, w) of flow (N, 2, H, W) and change (N, H, W)."""
        values = flow.flatten(2)  # torch's median is the lower of two
        middle = (values.median(2).values - (-values).median(2).values) / 2
        flow = flow - middle[:, :, None, None]
        still = (flow.square().sum(1, keepdim=True) < STILL**2).to(flow.dtype) / 2
        horizontal, vertical = flow.unbind(1)
        maps = [
            self.by_direction(flow),
            still,
            self.by_direction(gradient(horizontal)),
            self.by_direction(gradient(vertical)),
            change.clamp(min=0)[:, None],
            (-change).clamp(min=0)[:, None],
            self.by_direction(gradient(change)),
        ]
        return F.avg_pool2d(torch.cat(maps, 1), CELL)

    def by_direction(self, vectors: Tensor) -> Tensor:
        """Split vectors (N, 2, H, W) into lengths (N, DIRECTIONS, H, W), 0 from 45 degrees off."""
        along = torch.einsum("kc,nchw->nkhw", self.directions, vectors)
        length = (vectors.square().sum(1, keepdim=True) + 1e-12).sqrt()
        least = math.cos(2 * math.pi / DIRECTIONS)
        return F.relu(along - least * length) / (1 - least)

    @torch.no_grad()
    def _grey(self, clips: Tensor) -> Tensor:
        """Return resized grey frames (N, T, H, W) uint8 of normalised clips."""
        grey = torch.einsum("c,ncthw->nthw", self.luma, clips) * self.std + self.mean
        size = [CELL * max(1, round(side / self.stride)) for side in grey.shape[2:]]
        small = F.interpolate(grey, size, mode="bilinear", antialias=True)
        return (255 * small).round().clamp(0, 255).to(torch.uint8)


def gradient(x: Tensor) -> Tensor:
    """Return the central differences (N, 2, H, W) of pictures (N, H, W), across and down."""
    padded = F.pad(x[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    across = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return torch.stack([across, down], 1) / 2


def optical_flow(frames: np.ndarray) -> Tensor:
    """Return the flow (T - 1, 2, H, W), in pixels, between grey frames (T, H, W) uint8."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = [method.calc(frames[t], frames[t + 1], None) for t in range(len(frames) - 1)]  # pyrefly: ignore
    return torch.from_numpy(np.stack(flow)).permute(0, 3, 1, 2)
