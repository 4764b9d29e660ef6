"""ir-CSN-101 32x2 under the RoI head; for PyTorchVideo's backbone."""

from ..common.published import ava as model
from ..common.published import clip_32x2 as clip

model.architecture = "ir_csn_r101"
