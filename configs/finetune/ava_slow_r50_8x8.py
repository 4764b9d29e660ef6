"""SlowOnly-50 8x8 on AVA v2.2: the paper's recipe, for any pretrained backbone.

The boxes come from PySlowFast's lists. With an empty `dataloader.train.records.predicted=` the
model trains only on annotated people; with an empty `test.loader.records.proposals=` the test uses
annotated people.
"""

from detectron2.config import LazyCall as L

from ava_det.data.sets.catalog import datasets_root
from ava_det.model.criterion import SigmoidCrossEntropy
from ava_det.train.tasks import Detection

from ..common.data import class_map, clip, data, reader
from ..common.data import detection as dataloader
from ..common.data import detection_test as test
from ..common.model import detector as model
from ..common.optim import sgd as optimizer
from ..common.optim import steps as lr_multiplier
from ..common.train import train

model.update(architecture="slow_r50", arguments={}, dropout=0.5)
task = L(Detection)(criterion=L(SigmoidCrossEntropy)())
clip.update(frames=8, stride=8, rate=30.0, short_side=256)  # from 64 frames around the keyframe

boxes = str(datasets_root() / "ava/annotations/person_box_67091280_iou90/ava_detection_")
data.update(train="ava_v2.2_train", test="ava_v2.2_val")
dataloader.train.records.update(
    predicted=f"{boxes}train_boxes_and_labels_include_negative_v2.2.csv",
    predicted_score=0.8,
    negatives=True,
)
dataloader.train.update(batch_size=64, num_workers=8)
dataloader.train.mapper.transform.update(lowest=256, highest=320, size=224)
test.loader.records.update(
    proposals=f"{boxes}val_boxes_and_labels.csv",
    threshold=0.8,
    unlisted=True,  # 13 % of the val keyframes of v2.1 have no ground truth
)
test.loader.update(batch_size=8, num_workers=8)

optimizer.update(lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-7)
lr_multiplier.epochs = "${train.epochs}"  # divide LR by 10 after epochs 10 and 15
train.update(
    epochs=20,
    reference_batch=64,
    device="cuda",
    # An epoch has at most 235 x 897 keyframes, that is 3294 steps.
    eval_period=16_000,
    checkpoint_period=1000,
)
