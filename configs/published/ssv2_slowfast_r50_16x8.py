"""SlowFast-50 16x8 of Something-Something-V2: PySlowFast `SLOWFAST_16x8_R50` and `_multigrid`."""

from ..common.published import clip_64x2 as clip
from ..common.published import ssv2 as model

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
