"""Losses of detection: `task.criterion` is one of them; `class_weights` fits each.

`exclusive` wants the same columns in the head: `model.exclusive`.
"""

from detectron2.config import LazyCall as L

from ava_det.data.build import get_records
from ava_det.model.criterion import (
    ExclusiveCrossEntropy,
    FocalLoss,
    SigmoidCrossEntropy,
    effective_number_weights,
    label_counts,
)

sigmoid = L(SigmoidCrossEntropy)()
focal = L(FocalLoss)(alpha=3.0, gamma=1.0)
exclusive = L(ExclusiveCrossEntropy)(columns="${model.exclusive}", weight=1.0)

balanced_weights = L(effective_number_weights)(
    counts=L(label_counts)(
        records=L(get_records)(names="${dataloader.train.dataset}"), class_map="${class_map}"
    ),
    beta=0.999,
)
