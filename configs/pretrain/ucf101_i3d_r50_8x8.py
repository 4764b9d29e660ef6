"""I3D-50 8x8 on a split of UCF-101: the recipe of HMDB-51."""

from ..common.videomix import iterations
from .hmdb51_i3d_r50_8x8 import (
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

data.update(train="ucf101_split${recipe.split}_train", test="ucf101_split${recipe.split}_test")
train.max_iter = iterations("ucf101", train.epochs)
