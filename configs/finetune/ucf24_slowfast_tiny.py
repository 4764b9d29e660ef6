"""Fine-tune on UCF101-24 with the recipe of JHMDB; all people in a clip do the same action."""

from ..common.train import train
from .jhmdb_slowfast_tiny import (
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
)

data.update(train="ucf24_train", test="ucf24_test")
test.loader.records.every = 1
reader.folder = "runs/ucf24/cache"
