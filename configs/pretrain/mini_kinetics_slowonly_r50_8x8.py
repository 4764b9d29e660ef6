"""SlowOnly-50 8x8 on Mini-Kinetics-200."""

from ..common.videomix import iterations
from .kinetics400_slowonly_r50_8x8 import (
    class_map,
    clip,
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

model.num_classes = 200
dataloader.train.dataset = "mini_kinetics200_train"
test.loader.records.names = "mini_kinetics200_val"
train.max_iter = iterations("mini_kinetics200", train.epochs)
