"""SlowFast-101 16x8 of AVA v2.2 in the Caffe2 zoo: `SLOWFAST_64x2_R101_50_50`."""

from ..common.published import ava_unaligned as model
from ..common.published import clip_64x2 as clip
from ..common.published import r101_non_local

model.architecture = "slowfast_r101"
model.arguments = dict(temporal_blocks=[6, 6], non_local=r101_non_local)
