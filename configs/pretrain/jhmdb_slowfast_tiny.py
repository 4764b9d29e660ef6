"""Pretrain on JHMDB split 1 from random weights, with S-VideoMix or `recipe.mix`."""

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
data.update(train="jhmdb_clips_split1_train", test="jhmdb_clips_split1_test")
task = L(Recognition)(
    num_classes="${model.num_classes}",
    criterion=L(SoftTargetCrossEntropy)(),
    mix="${mixes.${recipe.mix}}",
)
# The cache decodes each video once, because the decoder is slower than the small model.
reader = L(CachedVideoReader)(folder="runs/jhmdb/cache", short_side=120)
dataloader.train.mapper.reader = "${reader}"
dataloader.train.mapper.transform.color = 0.3
test.loader.mapper.reader = "${reader}"
optimizer.lr = 1e-3
train.update(max_iter=9000, eval_period=1500, ema=0.998, clip_norm=5.0)
# Train long on small clips: they have a sixth of the pixels of 16 frames of 112 pixels.
clip.update(frames=8, stride=4, short_side=64)
