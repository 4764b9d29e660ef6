"""SlowOnly-50 8x8 on Kinetics-400."""

from ..common.videomix import (
    class_map,
    clip,
    data,
    dataloader,
    iterations,
    lr_multiplier,
    mixes,
    model,
    optimizer,
    reader,
    recipe,
    task,
    test,
    train,
)

model.architecture = "slow_r50"
data.update(train="kinetics400_train", test="kinetics400_val")
train.max_iter = iterations("kinetics400", train.epochs)
