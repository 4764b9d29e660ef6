"""SlowFast-50 8x8 of Charades: PySlowFast `pytorchvideo/SLOWFAST_8x8_R50`."""

from ..common.published import charades as model
from ..common.published import clip_32x2 as clip

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
