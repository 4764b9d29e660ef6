"""SlowOnly-50 8x8 on Something-Something-V2, from Kinetics-400 without VideoMix."""

from detectron2.config import LazyCall as L
from fvcore.common.param_scheduler import MultiStepParamScheduler

from ..common.videomix import (
    class_map,
    clip,
    data,
    dataloader,
    iterations,
    mixes,
    model,
    optimizer,
    reader,
    recipe,
    task,
    test,
    train,
)

model.architecture = "slow_r50"
data.update(train="something_v2_train", test="something_v2_val")
dataloader.train.mapper.segments = True  # one frame from each of T equal parts
test.loader.mapper.update(segments=True, clips=1, crops=3)
dataloader.train.mapper.transform.flip = False  # left and right distinguish classes
optimizer.lr = 0.01
lr_multiplier = L(MultiStepParamScheduler)(
    values=[1.0, 0.1, 0.01], milestones=[26, 33], num_updates=40
)
train.epochs = 40
train.max_iter = iterations("something_v2", train.epochs)
train.init = "runs/kinetics400_slowonly_r50_8x8_vanilla/model.safetensors"
