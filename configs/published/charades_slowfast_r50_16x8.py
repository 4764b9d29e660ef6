"""SlowFast-50 16x8 of Charades: PySlowFast `SLOWFAST_16x8_R50` and `_multigrid`."""

from ..common.published import charades as model
from ..common.published import clip_64x2 as clip

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
