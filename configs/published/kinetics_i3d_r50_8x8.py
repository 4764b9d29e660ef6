"""I3D-50 8x8 of Kinetics-400: PySlowFast `I3D_8x8_R50`, PyTorchVideo `i3d_r50`."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "i3d_r50"
