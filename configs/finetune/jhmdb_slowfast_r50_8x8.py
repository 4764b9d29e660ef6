"""SlowFast-50 8x8 on the keyframes of JHMDB split 1, at the paper's sizes: for a GPU."""

from ..common.optim import sgd as optimizer
from .jhmdb_slowfast_tiny import (
    class_map,
    clip,
    dataloader,
    lr_multiplier,
    model,
    task,
    test,
    train,
)

model.architecture, model.arguments = "slowfast_r50", dict(alpha=4)
model.context = False
clip.update(frames=32, stride=1, short_side=224)  # the clips of JHMDB have 40 frames at most
dataloader.train.mapper.transform.update(lowest=256, highest=320)
dataloader.train.batch_size = 16
test.loader.mapper.transform.size = 256
optimizer.lr = 0.025
train.max_iter = 10000
train.device = "cuda"
train.amp = True
