"""SlowOnly-50 4x16 of MultiSports: MMAction2 `slowonly_kinetics400-pretrained-r50 multisports`."""

from ..common.published import clip_4x16 as clip
from ..common.published import mm_ava as model

model.architecture = "slow_r50"
model.num_classes = 66
