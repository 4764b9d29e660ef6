"""C2D-50 8x8 without pooling in time: MMAction2 `c2d_r50-in1k-pre-nopool`."""

from ..common.published import clip_8x8 as clip
from ..common.published import mm_kinetics as model

model.architecture = "c2d_r50"
model.arguments = dict(pool=False)
