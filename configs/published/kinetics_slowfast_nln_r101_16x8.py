"""SlowFast-101 16x8 with non-local blocks: PySlowFast `SLOWFAST_NLN_16x8_R101_50_50`."""

from ..common.published import clip_64x2 as clip
from ..common.published import kinetics as model
from ..common.published import r101_non_local

model.architecture = "slowfast_r101"
model.arguments = dict(temporal_blocks=[6, 6], non_local=r101_non_local, non_local_pool=[1, 2, 2])
