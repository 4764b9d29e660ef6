"""SlowFast-50 8x8 on the keyframes of JHMDB split 1, at the paper's sizes: for a GPU."""

from ..common.optim import sgd as optimizer
from .jhmdb_slowfast_tiny import (
    class_map,
    clip,
    data,
    dataloader,
    lr_multiplier,
    model,
    reader,
    task,
    test,
    train,
)

model.architecture, model.arguments = "slowfast_r50", dict(alpha=4)
model.context = False
clip.update(frames=32, stride=1, short_side=256)  # JHMDB clips have at most 40 frames
reader.short_side = None  # the full size of the videos, 240 pixels
dataloader.train.mapper.transform.update(lowest=256, highest=320, size=224)
dataloader.train.batch_size = 16
optimizer.lr = 0.025
train.max_iter = 10000
train.device = "cuda"
train.amp = True
