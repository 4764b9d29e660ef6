"""I3D-101 8x8 with non-local blocks: PySlowFast `I3D_NLN_8x8_R101`; no weights are published."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model
from ..common.published import r50_non_local

model.architecture = "i3d_r101"
model.arguments = dict(non_local=r50_non_local)
