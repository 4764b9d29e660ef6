"""SlowOnly-50 8x8 on Kinetics-400."""

from ..common.videomix import (
    class_map,
    clip,
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
model.num_classes = 400
dataloader.train.dataset = "kinetics400_train"
test.loader.records.names = "kinetics400_val"
train.max_iter = iterations("kinetics400", train.epochs)
