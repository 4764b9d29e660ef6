"""SlowFast-50 4x16 of Kinetics-400: PySlowFast `SLOWFAST_4x16_R50`."""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=8)
