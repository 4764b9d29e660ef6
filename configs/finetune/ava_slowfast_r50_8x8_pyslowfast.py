"""SlowFast-50 8x8 on AVA v2.2 as PySlowFast's `SLOWFAST_32x2_R50_SHORT` trains and tests it."""

from .ava_slowfast_r50_8x8 import (
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

test.loader.mapper.transform.size = 224
# Its steps are 0, 10, 5 and 5: from epoch 10 on its code takes the last rate, a thousandth.
lr_multiplier.scheduler.update(values=[1.0, 0.001], milestones=[10], num_updates=20)
optimizer.params.weight_decay_bias = None  # as of weights
