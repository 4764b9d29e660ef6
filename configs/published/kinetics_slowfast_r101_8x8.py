"""SlowFast-101 8x8 of Kinetics-400: PySlowFast `SLOWFAST_8x8_R101_101_101`, PyTorchVideo
`slowfast_r101`.
"""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model

model.architecture = "slowfast_r101"
