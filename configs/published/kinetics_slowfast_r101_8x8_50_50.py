"""SlowFast-101 8x8, six blocks of res4 in time: PySlowFast `SLOWFAST_8x8_R101_50_50`."""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model

model.architecture = "slowfast_r101"
model.arguments = dict(temporal_blocks=[6, 6])
