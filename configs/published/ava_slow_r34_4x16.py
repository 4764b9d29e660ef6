"""SlowOnly-34 4x16 under the RoI head; no weights are published."""

from ..common.published import ava as model
from ..common.published import clip_4x16 as clip

model.architecture = "slow_r34"
