"""SlowOnly-34 8x8 on Mini-Kinetics-200, for VideoMix's comparison and ablations."""

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

model.architecture = "slow_r34"
data.update(train="mini_kinetics200_train", test="mini_kinetics200_val")
train.max_iter = iterations("mini_kinetics200", train.epochs)
