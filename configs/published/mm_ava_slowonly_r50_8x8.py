"""SlowOnly-50 8x8 of AVA-Kinetics: MMAction2 `slowonly_k400-pre-r50 8x8x1`, also `k700`."""

from ..common.published import clip_8x8 as clip
from ..common.published import mm_ava as model

model.architecture = "slow_r50"
