"""VideoMix's recipe on Kinetics, which all rows of the paper's recognition tables share.

From the paper (arXiv 2012.03457): 250 epochs, batch 64, LR 0.1, cosine, 64 consecutive frames,
10 x 3 views. From SlowFast's recipe: momentum, weight decay, dropout, scale jitter, crops, warm-up.
A config sets the data set, the architecture and `train.max_iter`.
"""

from detectron2.config import LazyCall as L

from ava_det.augment import spatial
from ava_det.model.criterion import SoftTargetCrossEntropy
from ava_det.train.tasks import Recognition

from .data import class_map, clip, data, reader
from .data import recognition as dataloader
from .data import recognition_test as test
from .mixes import mixes, recipe
from .model import classifier as model
from .optim import cosine as lr_multiplier
from .optim import sgd as optimizer
from .train import train

BATCH = 64
VIDEOS = dict(  # sizes of the published training sets
    kinetics400=240_000,
    mini_kinetics200=80_000,
    something_v2=168_913,
    hmdb51=3_570,
    ucf101=9_537,
)


def iterations(dataset: str, epochs: int) -> int:
    """Return the number of steps in `epochs` epochs of a data set."""
    return round(epochs * VIDEOS[dataset] / BATCH)


model.arguments = {}
model.dropout = 0.5
clip.update(frames=8, stride=8, rate=30.0, short_side=256)  # of the test
task = L(Recognition)(
    num_classes="${model.num_classes}",
    criterion=L(SoftTargetCrossEntropy)(label_smoothing=0.0),
    mix="${mixes.${recipe.mix}}",
)
dataloader.train.mapper.transform = L(spatial.jitter_crop)(lowest=256, highest=320, size=224)
dataloader.train.mapper.window = 64
dataloader.train.batch_size = BATCH
dataloader.train.num_workers = 8
test.loader.mapper.update(clips=10, crops=3)
test.loader.batch_size = 2  # clips, with 3 crops each
test.loader.num_workers = 8
optimizer.lr = 0.1
train.epochs, lr_multiplier.warmup_epochs = 250, 34
lr_multiplier.warmup_factor = 0.1  # from LR 0.01
train.update(device="cuda", eval_period=0, checkpoint_period=1000)  # test only at the end
