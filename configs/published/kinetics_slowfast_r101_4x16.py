"""SlowFast-101 4x16; PySlowFast's names, no weights are published."""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model

model.architecture = "slowfast_r101"
model.arguments = dict(alpha=8)
