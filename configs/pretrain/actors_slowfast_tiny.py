"""Pretrain on single rendered actors, with S-VideoMix or `recipe.mix`; `make demo` runs this."""

from detectron2.config import LazyCall as L

from ava_det.model.criterion import SoftTargetCrossEntropy
from ava_det.train.tasks import Recognition
from ava_det.video.cache import CachedVideoReader

from ..common.data import class_map, clip, data
from ..common.data import recognition as dataloader
from ..common.data import recognition_test as test
from ..common.mixes import mixes, recipe
from ..common.model import classifier as model
from ..common.optim import adamw as optimizer
from ..common.optim import cosine as lr_multiplier
from ..common.train import train

model.arguments.change = True
model.dropout = 0.2
clip.update(frames=8, stride=2, rate=15.0, short_side=64)
data.update(train="actors_clips_train", test="actors_clips_test")
dataloader.train.mapper.transform.smallest_area = 0.6
task = L(Recognition)(
    num_classes="${model.num_classes}",
    criterion=L(SoftTargetCrossEntropy)(),
    mix="${mixes.${recipe.mix}}",
)
# The cache decodes each video once, because the decoder is slower than the small model.
reader = L(CachedVideoReader)(folder="runs/demo/cache", short_side=96)
dataloader.train.mapper.reader = "${reader}"
test.loader.mapper.reader = "${reader}"
optimizer.lr = 2e-3
train.max_iter = 440
train.ema = 0.99
train.eval_period = 220
