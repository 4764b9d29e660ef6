"""SlowOnly-50 4x16 with non-local blocks: PySlowFast `SLOW_NLN_4x16_R50`."""

from ..common.published import clip_4x16 as clip
from ..common.published import kinetics as model
from ..common.published import r50_non_local

model.architecture = "slow_r50"
model.arguments = dict(non_local=r50_non_local)
