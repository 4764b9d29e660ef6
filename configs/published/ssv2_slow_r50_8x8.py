"""SlowOnly-50 8x8 of Something-Something-V2: PySlowFast `pytorchvideo/SLOW_8x8_R50`."""

from ..common.published import clip_8x8 as clip
from ..common.published import ssv2 as model

model.architecture = "slow_r50"
