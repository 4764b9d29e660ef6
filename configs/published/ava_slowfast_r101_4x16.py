"""SlowFast-101 4x16 of AVA; PySlowFast's names, no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_32x2 as clip

model.architecture = "slowfast_r101"
model.arguments = dict(alpha=8)
