"""SlowOnly-101 8x8 of AVA: MMAction2 `slowonly_kinetics400-pretrained-r101 8x8x1`."""

from ..common.published import clip_8x8 as clip
from ..common.published import mm_ava as model

model.architecture = "slow_r101"
