"""I3D-101 8x8 of Kinetics-400: PySlowFast `I3D_8x8_R101`; no weights are published."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "i3d_r101"
