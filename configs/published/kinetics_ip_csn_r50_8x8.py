"""ip-CSN-50 8x8, as in VideoMix; no weights are published."""

from ..common.published import clip_8x8 as clip
from ..common.published import kinetics as model

model.architecture = "ip_csn_r50"
