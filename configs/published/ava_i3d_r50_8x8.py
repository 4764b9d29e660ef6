"""I3D-50 8x8 under the RoI head; PySlowFast's names, no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_8x8 as clip

model.architecture = "i3d_r50"
