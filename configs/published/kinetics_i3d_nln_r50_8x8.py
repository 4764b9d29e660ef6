"""I3D-50 8x8 with non-local blocks, of Kinetics-400: PySlowFast `I3D_NLN_8x8_R50`."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model
from ..common.published import r50_non_local

model.architecture = "i3d_r50"
model.arguments = dict(non_local=r50_non_local)
