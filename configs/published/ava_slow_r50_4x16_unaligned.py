"""SlowOnly-50 4x16 of AVA: the Caffe2 zoo's `SLOW_8x8_R50` (file `C2D_8x8_R50.pkl`), PyTorchVideo
`slow_r50_detection`.
"""

from ..common.published import ava_unaligned as model
from ..common.published import clip_4x16 as clip

model.architecture = "slow_r50"
