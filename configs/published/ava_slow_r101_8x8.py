"""SlowOnly-101 8x8 of AVA; PySlowFast's names, no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_8x8 as clip

model.architecture = "slow_r101"
