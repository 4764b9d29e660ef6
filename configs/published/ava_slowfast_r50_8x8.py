"""SlowFast-50 8x8 of AVA: PySlowFast `SLOWFAST_32x2_R50_SHORT`."""

from ..common.published import ava as model
from ..common.published import clip_32x2 as clip

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
