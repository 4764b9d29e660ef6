"""SlowOnly-50 8x8 of Kinetics-400: MMAction2 `slowonly_r50_8x8x1`."""

from ..common.published import clip_8x8 as clip
from ..common.published import mm_kinetics as model

model.architecture = "slow_r50"
