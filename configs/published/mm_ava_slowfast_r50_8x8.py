"""SlowFast-50 8x8 of AVA: MMAction2 `slowfast_kinetics400-pretrained-r50 8x8x1`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_ava as model
from ..common.published import mm_slowfast

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4, **mm_slowfast)
