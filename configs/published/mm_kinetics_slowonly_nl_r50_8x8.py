"""SlowOnly-50 8x8 non-local: MMAction2 `slowonly_r50-in1k-pre-nl-embedded-gaussian`."""

from ..common.published import clip_8x8 as clip
from ..common.published import mm_kinetics as model
from ..common.published import mm_non_local

model.architecture = "slow_r50"
model.arguments = mm_non_local
