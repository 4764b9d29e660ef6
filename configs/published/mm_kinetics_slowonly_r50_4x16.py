"""SlowOnly-50 4x16 of Kinetics-400: MMAction2 `slowonly_r50_4x16x1`."""

from ..common.published import clip_4x16 as clip
from ..common.published import mm_kinetics as model

model.architecture = "slow_r50"
