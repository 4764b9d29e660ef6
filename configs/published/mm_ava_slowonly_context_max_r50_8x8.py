"""SlowOnly-50 8x8 of AVA-Kinetics: MMAction2 `slowonly_k700-pre-r50-context-temporal-max`."""

from ..common.published import clip_8x8 as clip
from ..common.published import mm_ava as model

model.architecture = "slow_r50"
model.context = model.temporal_max = True
