"""SlowFast-50 8x8 on Mini-Kinetics-200."""

from ..common.videomix import (
    class_map,
    clip,
    dataloader,
    iterations,
    lr_multiplier,
    mixes,
    model,
    optimizer,
    recipe,
    task,
    test,
    train,
)

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
clip.update(frames=32, stride=2)
model.num_classes = 200
dataloader.train.dataset = "mini_kinetics200_train"
test.loader.records.names = "mini_kinetics200_val"
train.max_iter = iterations("mini_kinetics200", epochs=250)
