"""SlowOnly-50 4x16 of AVA non-local: MMAction2 `slowonly_kinetics400-pretrained-r50-nl`."""

from ..common.published import clip_4x16 as clip
from ..common.published import mm_ava as model
from ..common.published import mm_non_local

model.architecture = "slow_r50"
model.arguments = mm_non_local
