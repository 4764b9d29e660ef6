"""I3D-50 8x8 on a split of HMDB-51, from Kinetics-400 weights without VideoMix.

The paper has no recipe for HMDB-51, so the schedule is that of Something-Something-V2.
"""

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
from .something_v2_slowonly_r50_8x8 import lr_multiplier

recipe.split = 1  # the paper reports the mean over splits 1, 2 and 3
model.architecture = "i3d_r50"
data.update(train="hmdb51_split${recipe.split}_train", test="hmdb51_split${recipe.split}_test")
optimizer.lr = 0.01
train.epochs = 40
train.max_iter = iterations("hmdb51", train.epochs)
train.init = "weights/I3D_8x8_R50.pkl"  # from PySlowFast
