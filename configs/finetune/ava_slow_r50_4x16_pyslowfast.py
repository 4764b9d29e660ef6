"""SlowOnly-50 4x16 on AVA v2.2 as PySlowFast's `SLOW_8x8_R50_SHORT`, for all its name, has it."""

from .ava_slow_r50_8x8 import (
    class_map,
    clip,
    dataloader,
    lr_multiplier,
    model,
    optimizer,
    task,
    test,
    train,
)

clip.update(frames=4, stride=16)
dataloader.train.predicted_score = 0.9
test.loader.records.threshold = 0.9
optimizer.params.weight_decay_bias = None  # as of weights
