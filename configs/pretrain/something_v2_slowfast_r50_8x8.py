"""SlowFast-50 8x8 on Something-Something-V2, from Kinetics-400 without VideoMix."""

from .something_v2_slowonly_r50_8x8 import (
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

model.architecture = "slowfast_r50"
model.arguments = dict(alpha=4)
clip.frames = 32
train.init = "runs/kinetics400_slowfast_r50_8x8_vanilla/model.safetensors"
