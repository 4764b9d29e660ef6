"""C2D-50 8x8 of Kinetics-400: PySlowFast `C2D_8x8_R50`, PyTorchVideo `c2d_r50`."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "c2d_r50"
