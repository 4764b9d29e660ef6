"""SlowFast-50 4x16 of MultiSports: MMAction2 `slowfast_kinetics400-pretrained-r50 multisports`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_ava as model
from ..common.published import mm_slowfast

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=8, **mm_slowfast)
model.num_classes = 66
