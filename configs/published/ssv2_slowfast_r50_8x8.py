"""SlowFast-50 8x8 of Something-Something-V2: PySlowFast `pytorchvideo/SLOWFAST_8x8_R50`."""

from ..common.published import clip_32x2 as clip
from ..common.published import ssv2 as model

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
