"""The default person detector, which trains in minutes on a CPU."""

from ..common.persons import (
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
