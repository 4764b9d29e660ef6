"""SlowFast-50 8x8 of Kinetics-400: MMAction2 `slowfast_r50_8x8x1`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_kinetics as model
from ..common.published import mm_slowfast

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4, **mm_slowfast)
