"""SlowOnly-34 8x8, the backbone of VideoMix's ablations; no weights are published."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "slow_r34"
