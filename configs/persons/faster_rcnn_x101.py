"""Faster R-CNN X101-32x8d-FPN, the architecture of the paper's person detector, for a GPU.

Start from random weights or COCO weights like `faster_rcnn_r50.py`; the paper used COCO weights.
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
