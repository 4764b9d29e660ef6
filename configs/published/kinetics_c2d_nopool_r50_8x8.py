"""C2D-50 8x8 of Kinetics-400 as in the Caffe2 zoo: `C2D_NOPOOL_8x8_R50`."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "c2d_r50"
model.arguments = dict(pool=False)
