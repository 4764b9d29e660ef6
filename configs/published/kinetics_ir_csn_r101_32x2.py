"""ir-CSN-101 32x2 of Kinetics-400: PyTorchVideo `csn_r101`."""

from ..common.published import clip_32x2 as clip
from ..common.published import kinetics as model

model.architecture = "ir_csn_r101"
