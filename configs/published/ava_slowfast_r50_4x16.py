"""SlowFast-50 4x16 of AVA; PySlowFast's names, no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_32x2 as clip

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=8)
