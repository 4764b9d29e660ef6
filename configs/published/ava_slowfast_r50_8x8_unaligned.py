"""SlowFast-50 8x8 of AVA: PySlowFast `c2/SLOWFAST_32x2_R50`, PyTorchVideo
`slowfast_r50_detection`.
"""

from ..common.published import ava_unaligned as model
from ..common.published import clip_32x2 as clip

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
