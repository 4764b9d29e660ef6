"""Fine-tune on the keyframes of several rendered actors; `make demo` runs this config."""

from detectron2.config import LazyCall as L

from ava_det.model.criterion import SigmoidCrossEntropy
from ava_det.train.tasks import Detection
from ava_det.video.cache import CachedVideoReader

from ..common.data import class_map, clip, data
from ..common.data import detection as dataloader
from ..common.data import detection_test as test
from ..common.model import detector as model
from ..common.optim import adamw as optimizer
from ..common.optim import cosine as lr_multiplier
from ..common.train import train

model.arguments.change = True
model.dropout = 0.2
clip.update(frames=8, stride=2, rate=15.0, short_side=80)
data.update(train="actors_train", test="actors_test")
dataloader.train.mapper.transform.highest = 96
task = L(Detection)(criterion=L(SigmoidCrossEntropy)())
# The cache decodes each video once, because the decoder is slower than the small model.
reader = L(CachedVideoReader)(folder="runs/demo/cache", short_side=96)
dataloader.train.mapper.reader = "${reader}"
test.loader.mapper.reader = "${reader}"
optimizer.lr = 2e-3
train.max_iter = 380
train.ema = 0.99
train.eval_period = 190
