"""SlowFast-50 4x16 of Kinetics-400: MMAction2 `slowfast_r50_4x16x1`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_kinetics as model
from ..common.published import mm_slowfast

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=8, **mm_slowfast)
