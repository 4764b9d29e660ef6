"""SlowOnly-50 4x16 of Kinetics-400: PySlowFast `SLOW_4x16_R50`."""

from ..common.published import clip_4x16 as clip
from ..common.published import kinetics as model

model.architecture = "slow_r50"
