"""SlowFast-50 8x8 of Kinetics-400: PySlowFast `SLOWFAST_8x8_R50`, PyTorchVideo `slowfast_r50`."""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
