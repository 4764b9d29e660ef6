"""Losses of detection, for `task.criterion`; each takes `class_weights="balanced"`.

`exclusive` needs the same columns in the head: set `model.exclusive` to a list of columns, or to
`EVERY_CLASS` if a person does only one action at a time.
"""

from detectron2.config import LazyCall as L

from ava_det.model.criterion import ExclusiveCrossEntropy, FocalLoss, SigmoidCrossEntropy
from ava_det.train.config import EVERY_CLASS

sigmoid = L(SigmoidCrossEntropy)()
focal = L(FocalLoss)(alpha=3.0, gamma=1.0)
exclusive = L(ExclusiveCrossEntropy)(columns="${model.exclusive}", weight=1.0)
