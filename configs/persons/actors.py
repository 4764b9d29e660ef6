"""Find rendered actors: trains in about a minute on a CPU; `make demo` runs this config."""

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

clip.short_side = 120  # the size of the videos
dataloader.train.mapper.transform.update(lowest=104, highest=136)
test.loader.records.every = 1
optimizer.lr = 2e-3
train.max_iter = 150
train.eval_period = 0
