"""Faster R-CNN R50-FPN at detectron2's resolution, for a GPU.

Training starts from random weights. To start from COCO weights, as in the paper, add
`train.init=FILE.pkl model.arguments.norm=FrozenBN` with the file of Faster R-CNN R50-FPN from
detectron2's model zoo.
"""

from ..common.optim import sgd as optimizer
from ..common.persons import (
    class_map,
    clip,
    data,
    dataloader,
    lr_multiplier,
    model,
    reader,
    task,
    test,
    train,
)

model.architecture, model.arguments = "faster_rcnn_r50", {}
clip.short_side = 480
dataloader.train.mapper.transform.update(lowest=320, highest=640)
optimizer.lr = 0.02
train.max_iter = 20000
train.device = "cuda"
train.amp = True
