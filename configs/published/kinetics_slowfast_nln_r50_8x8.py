"""SlowFast-50 8x8 with non-local blocks: PySlowFast `SLOWFAST_NLN_8x8_R50`."""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model
from ..common.published import r50_non_local

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4, fusion_kernel=5, non_local=r50_non_local)
