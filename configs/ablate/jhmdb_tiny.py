"""The recipe of `jhmdb_mixes.py`: the tiny model on 8 frames of 64 pixels, for one CPU core."""

from ..pretrain.jhmdb_slowfast_tiny import (
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

clip.update(frames=8, stride=4, short_side=64)
reader.update(folder="runs/ablate/cache", short_side=72, entries=1024)  # all of JHMDB, 0.6 GB
for loader in (dataloader.train, test.loader):
    loader.num_workers = 0  # one process per core
train.update(max_iter=1200, eval_period=200, log_period=50, checkpoint_period=200)
# Use float32: bfloat16 gradients of such short clips are wrong on some CPUs (docs/training.md).
train.channels_last = True
train.ema = 0.99  # short enough for the shortest run, of 300 steps
recipe.mix = "vanilla"
