"""A person detector that learns from the boxes of an action data set.

`ava-det propose --train` fills in `data`. These settings are for a CPU; for a GPU see
`configs/persons/faster_rcnn_r50.py`.
"""

from detectron2.config import LazyCall as L

from ava_det.augment import spatial
from ava_det.data.build import build_test_loader, build_train_loader
from ava_det.data.mapper import PeopleTestMapper, PeopleTrainMapper
from ava_det.data.proposals import people_to_test
from ava_det.data.sets.dataset import DataSet, clock_of
from ava_det.model.faster_rcnn import build_person_detector, person_class
from ava_det.train.person_detection import PersonDetection, PersonEvaluator

from .data import data, lazy_method, test_set, train_set
from .optim import adamw as optimizer
from .optim import cosine as lr_multiplier
from .train import train

model = L(build_person_detector)(architecture="faster_rcnn_tiny", arguments=dict(width=32))
task = L(PersonDetection)()
class_map = L(person_class)()
reader = dict(short_side=None)  # as in `data.py`
clip = dict(frames=1, stride=1, rate=None, short_side=160)

dataloader = dict(
    train=L(build_train_loader)(
        records=lazy_method(train_set, DataSet.keyframes),
        mapper=L(PeopleTrainMapper)(
            class_map=None,
            clock=L(clock_of)(dataset=train_set),
            reader=lazy_method(train_set, DataSet.reader, short_side="${reader.short_side}"),
            transform=L(spatial.jitter)(lowest=80, highest=208, color=0.3),
        ),
        batch_size=16,
        seed="${train.seed}",
        num_workers=1,
        max_unreadable=0.1,
    )
)

test = dict(
    amp=False,  # as train.amp
    loader=L(build_test_loader)(
        records=L(people_to_test)(dataset=test_set, every=10),
        mapper=L(PeopleTestMapper)(
            class_map=None,
            clock=L(clock_of)(dataset=test_set),
            reader=lazy_method(test_set, DataSet.reader, short_side="${reader.short_side}"),
            transform=L(spatial.short_side)(size="${clip.short_side}"),
        ),
        batch_size=1,  # no padding, because the detected boxes are relative to the padded size
        num_workers=1,
        max_unreadable=0.1,
    ),
    evaluator=L(PersonEvaluator)(),
)

optimizer.lr = 1e-3
train.max_iter = 1500
train.clip_norm = 5.0
