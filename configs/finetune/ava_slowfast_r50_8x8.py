"""SlowFast-50 8x8 on AVA v2.2: the paper's recipe."""

from .ava_slow_r50_8x8 import (
    class_map,
    clip,
    data,
    dataloader,
    lr_multiplier,
    model,
    optimizer,
    reader,
    task,
    test,
    train,
)

model.update(architecture="slowfast_r50", arguments=dict(alpha=4))
clip.update(frames=32, stride=2)
