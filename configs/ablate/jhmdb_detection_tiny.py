"""The recipe of `jhmdb_detection.py`: the tiny model on 8 frames of 80 pixels, for one core."""

from ..finetune.jhmdb_slowfast_tiny import (
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

clip.update(frames=8, stride=4, short_side=80)
reader.update(folder="runs/ablate/cache", short_side=100, entries=1024)
for loader in (dataloader.train, test.loader):
    loader.num_workers = 0  # one process per core
dataloader.train.mapper.transform.highest = 100
train.update(max_iter=900, eval_period=300, log_period=50, checkpoint_period=300)
train.channels_last = True
train.ema = 0.99
