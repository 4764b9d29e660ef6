"""SlowOnly-50 4x16 of AVA: PySlowFast `SLOW_8x8_R50_SHORT`, which is 4x16 in spite of its name."""

from ..common.published import ava as model
from ..common.published import clip_4x16 as clip

model.architecture = "slow_r50"
