"""SlowOnly-50 8x8 on Mini-Kinetics-200."""

from ..common.videomix import iterations
from .kinetics400_slowonly_r50_8x8 import (
    class_map,
    clip,
    data,
    dataloader,
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

data.update(train="mini_kinetics200_train", test="mini_kinetics200_val")
train.max_iter = iterations("mini_kinetics200", train.epochs)
