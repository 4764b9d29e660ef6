"""SlowOnly-34 4x16; no weights are published."""

from ..common.published import clip_4x16 as clip
from ..common.published import kinetics as model

model.architecture = "slow_r34"
