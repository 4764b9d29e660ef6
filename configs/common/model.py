"""The models: `classifier` for pretraining, `detector` for fine-tuning."""

from detectron2.config import LazyCall as L

from ava_det.model.zoo import build_classifier, build_detector

classifier = L(build_classifier)(
    architecture="slowfast_tiny",
    arguments=dict(width=32, alpha=4),
    num_classes=0,  # every config sets it
    dropout=0.5,
)

detector = L(build_detector)(
    architecture="slowfast_tiny",
    arguments=dict(width=32, alpha=4),
    num_classes=0,  # every config sets it
    dropout=0.5,
)
