"""SlowOnly-101 4x16 of AVA; PySlowFast's names, no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_4x16 as clip

model.architecture = "slow_r101"
