"""SlowOnly-50 4x16 on AVA v2.2: PySlowFast's `SLOW_8x8_R50_SHORT`, which is 4x16 in fact.

Pixels, boxes and labels equal those of PySlowFast's loader (`tests/data/test_pyslowfast_ava.py`).
"""

from detectron2.config import LazyCall as L

from ava_det.augment import pyslowfast

from .ava_slow_r50_8x8 import (
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

clip.update(frames=4, stride=16)
for loader in (dataloader.train, test.loader):
    loader.mapper.overrun = None
dataloader.train.records.update(
    predicted_score=0.9,
    least_iou=None,  # PySlowFast's list has labels
    unlisted=True,
)
dataloader.train.mapper.transform = L(pyslowfast.JitterCrop)(lowest=256, highest=320, size=224)
test.loader.records.threshold = 0.9
test.loader.mapper.transform = L(pyslowfast.ShortSide)(size="${clip.short_side}")
optimizer.params.weight_decay_bias = None  # the same as for weights
