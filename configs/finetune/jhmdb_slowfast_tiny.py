"""Fine-tune on the keyframes of JHMDB split 1: a RoI head on a pretrained backbone."""

from detectron2.config import LazyCall as L

from ava_det.train.tasks import Detection
from ava_det.video.cache import CachedVideoReader

from ..common.criteria import EVERY_CLASS, exclusive
from ..common.data import class_map, clip, data
from ..common.data import detection as dataloader
from ..common.data import detection_test as test
from ..common.model import detector as model
from ..common.optim import adamw as optimizer
from ..common.optim import cosine as lr_multiplier
from ..common.train import train

model.arguments.change = True
data.update(train="jhmdb_split1_train", test="jhmdb_split1_test")
test.loader.records.every = 10  # a quick test; test every keyframe at the end
# A person in JHMDB does one action, so the loss is a softmax over all classes.
model.exclusive = EVERY_CLASS
task = L(Detection)(criterion=exclusive)
reader = L(CachedVideoReader)(folder="runs/jhmdb/cache", short_side=120)
dataloader.train.mapper.reader = "${reader}"
dataloader.train.mapper.transform.color = 0.3
test.loader.mapper.reader = "${reader}"
model.context = True  # in JHMDB the scene says much about the action
optimizer.lr = 5e-4
train.update(max_iter=1500, ema=0.998, clip_norm=5.0)
clip.update(frames=8, stride=4, short_side=80)
dataloader.train.mapper.transform.highest = 120
