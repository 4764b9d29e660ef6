"""ip-CSN-50 8x8 under the RoI head; no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_8x8 as clip

model.architecture = "ip_csn_r50"
