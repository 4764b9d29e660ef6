"""Losses of detection: `task.criterion` is one of them; `class_weights="balanced"` fits each.

`exclusive` wants the same columns in the head: `model.exclusive`.
"""

from detectron2.config import LazyCall as L

from ava_det.model.criterion import ExclusiveCrossEntropy, FocalLoss, SigmoidCrossEntropy

sigmoid = L(SigmoidCrossEntropy)()
focal = L(FocalLoss)(alpha=3.0, gamma=1.0)
exclusive = L(ExclusiveCrossEntropy)(columns="${model.exclusive}", weight=1.0)
