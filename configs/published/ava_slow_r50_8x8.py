"""SlowOnly-50 8x8 of AVA, as in the paper; PySlowFast's names, no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_8x8 as clip

model.architecture = "slow_r50"
