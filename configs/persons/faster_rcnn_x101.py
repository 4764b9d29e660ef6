"""Faster R-CNN X101-32x8d-FPN, the architecture of the paper's person detector, for a GPU.

It starts as `faster_rcnn_r50.py` does; the paper's started from the zoo's file of COCO.
"""

from .faster_rcnn_r50 import (
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

model.architecture = "faster_rcnn_x101"
train.max_iter = 40000
train.accumulate = 2
dataloader.train.batch_size = 8
