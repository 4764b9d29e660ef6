"""SlowOnly-101 8x8; PySlowFast's names and normalisation, no weights are published."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "slow_r101"
