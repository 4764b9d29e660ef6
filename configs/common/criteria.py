"""Losses of detection: `task.criterion` is one of them; `class_weights="balanced"` fits each.

`exclusive` wants the same columns in the head: `model.exclusive`, which is a list of columns, or
`EVERY_CLASS` where a person does one thing, whatever the classes are.
"""

from detectron2.config import LazyCall as L

from ava_det.model.criterion import ExclusiveCrossEntropy, FocalLoss, SigmoidCrossEntropy
from ava_det.train.config import EVERY_CLASS

sigmoid = L(SigmoidCrossEntropy)()
focal = L(FocalLoss)(alpha=3.0, gamma=1.0)
exclusive = L(ExclusiveCrossEntropy)(columns="${model.exclusive}", weight=1.0)
