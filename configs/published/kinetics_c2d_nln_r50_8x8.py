"""C2D-50 8x8 with non-local blocks: PySlowFast `C2D_NLN_8x8_R50`; no weights are published."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model
from ..common.published import r50_non_local

model.architecture = "c2d_r50"
model.arguments = dict(non_local=r50_non_local)
