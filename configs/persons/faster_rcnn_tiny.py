"""The default: minutes on a CPU."""

from ..common.persons import (
    class_map,
    clip,
    dataloader,
    lr_multiplier,
    model,
    optimizer,
    reader,
    task,
    test,
    train,
)
