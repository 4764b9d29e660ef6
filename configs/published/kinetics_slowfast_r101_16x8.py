"""SlowFast-101 16x8 of Kinetics-400: PySlowFast `SLOWFAST_16x8_R101_50_50`, PyTorchVideo
`slowfast_16x8_r101_50_50`.
"""

from ..common.published import clip_64x2 as clip
from ..common.published import kinetics as model

model.architecture = "slowfast_r101"
model.arguments = dict(temporal_blocks=[6, 6])
