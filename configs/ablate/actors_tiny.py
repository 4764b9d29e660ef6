"""The recipe of `scene_bias.py`: the tiny model on single rendered actors, for one CPU core."""

from ..pretrain.actors_slowfast_tiny import (
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

reader.update(folder="runs/ablate/cache", short_side=72, entries=4096)
for loader in (dataloader.train, test.loader):
    loader.num_workers = 0  # one process per core
train.update(max_iter=500, eval_period=250, log_period=50, checkpoint_period=250)
train.channels_last = True
recipe.mix = "vanilla"
