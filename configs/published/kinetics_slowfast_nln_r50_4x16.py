"""SlowFast-50 4x16 with non-local blocks: PySlowFast `SLOWFAST_NLN_4x16_R50`."""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model
from ..common.published import r50_non_local

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=8, non_local=r50_non_local)
