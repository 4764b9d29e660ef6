"""The models: `classifier` for pretraining, `detector` for fine-tuning."""

from detectron2.config import LazyCall as L

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.train.config import AS_MANY_AS_THE_DATA

classifier = L(build_classifier)(
    architecture="slowfast_tiny",
    arguments=dict(width=32, alpha=4),
    num_classes=AS_MANY_AS_THE_DATA,
    dropout=0.5,
)

detector = L(build_detector)(
    architecture="slowfast_tiny",
    arguments=dict(width=32, alpha=4),
    num_classes=AS_MANY_AS_THE_DATA,
    dropout=0.5,
)
