"""Fine-tune on your own data on a CPU, with several people and several actions per person.

Name the data on the command line: `data.train=mine/train.toml data.test=mine/test.toml`.
"""

from detectron2.config import LazyCall as L

from ava_det.model.criterion import SigmoidCrossEntropy
from ava_det.train.tasks import Detection

from ..common.data import class_map, clip, data, reader
from ..common.data import detection as dataloader
from ..common.data import detection_test as test
from ..common.model import detector as model
from ..common.optim import adamw as optimizer
from ..common.optim import cosine as lr_multiplier
from ..common.train import train

model.arguments.change = True
task = L(Detection)(criterion=L(SigmoidCrossEntropy)())
clip.short_side = 96
dataloader.train.mapper.transform.update(highest=120, color=0.3)
optimizer.lr = 5e-4
train.ema = 0.998
