"""SlowFast-101 8x8 of Kinetics-400: MMAction2 `slowfast_r101_8x8x1`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_kinetics as model
from ..common.published import mm_slowfast

model.architecture = "slowfast_r101"
model.arguments = dict(fusion_kernel=7, **mm_slowfast)
