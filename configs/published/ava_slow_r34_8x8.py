"""SlowOnly-34 8x8 under the RoI head; no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_8x8 as clip

model.architecture = "slow_r34"
