"""SlowOnly-50 8x8 of Charades: PySlowFast `pytorchvideo/SLOW_8x8_R50`."""

from ..common.published import charades as model
from ..common.published import clip_8x8 as clip

model.architecture = "slow_r50"
