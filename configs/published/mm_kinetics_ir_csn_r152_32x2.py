"""ir-CSN-152 32x2 of Kinetics-400: MMAction2 `ircsn_ig65m-pretrained-r152` and others."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_kinetics as model

model.architecture = "ir_csn_r152"
