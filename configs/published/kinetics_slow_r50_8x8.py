"""SlowOnly-50 8x8 of Kinetics-400: PySlowFast `SLOW_8x8_R50`, PyTorchVideo `slow_r50`."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "slow_r50"
