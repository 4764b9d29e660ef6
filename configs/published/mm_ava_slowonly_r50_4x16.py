"""SlowOnly-50 4x16 of AVA: MMAction2 `slowonly_kinetics400-pretrained-r50 4x16x1`."""

from ..common.published import clip_4x16 as clip
from ..common.published import mm_ava as model

model.architecture = "slow_r50"
