"""Clips and loaders; every config sets `data` and `clip`.

A config that imports loaders also imports `data`, `clip`, `reader` and `class_map`, because the
loaders refer to them. So one override of a shared value changes all parts that use the value.
"""

from collections.abc import Callable
from typing import Any

from detectron2.config import LazyCall as L
from omegaconf import DictConfig

from ava_det.augment import spatial
from ava_det.data.build import build_test_loader, build_train_loader
from ava_det.data.mapper import (
    ClipTestMapper,
    ClipTrainMapper,
    PeopleTestMapper,
    PeopleTrainMapper,
)
from ava_det.data.proposals import people_to_test, people_to_train_on
from ava_det.data.sets.catalog import get_dataset
from ava_det.data.sets.dataset import DataSet, clock_of
from ava_det.data.subset import stratified_part
from ava_det.model.criterion import effective_number_weights, label_counts
from ava_det.train.evaluators import FrameMapEvaluator, TopKEvaluator
from ava_det.video.video import VideoReader


def of(dataset: DictConfig, method: Callable[..., Any], **arguments: Any) -> DictConfig:
    """Return a lazy call of a data set's method; `L` does not accept an argument named `self`."""
    call = L(method)(**arguments)
    call["self"] = dataset
    return call


data = dict(train="", test="")  # a name, the path of a description or list, or a list of these
train_set = L(get_dataset)(names="${data.train}")
test_set = L(get_dataset)(names="${data.test}")
class_map = of(train_set, DataSet.class_map)
clip = dict(frames=16, stride=2, rate=25.0, short_side=112)
reader = dict(short_side=None)  # short side of decoded frames in pixels; None: the size of the file
_sampling = dict(frames="${clip.frames}", stride="${clip.stride}", rate="${clip.rate}")

recognition = dict(
    train=L(build_train_loader)(
        records=L(stratified_part)(
            videos=of(train_set, DataSet.videos),
            fraction=1.0,  # train on this fraction of every class
            fraction_seed=0,  # the seed of the choice
        ),
        mapper=L(ClipTrainMapper)(
            reader=L(VideoReader)(short_side="${reader.short_side}"),
            transform=L(spatial.random_resized_crop)(size="${clip.short_side}"),
            window=64,
            **_sampling,
        ),
        batch_size=16,
        seed="${train.seed}",
        num_workers=1,
        max_unreadable=0.1,  # largest share of broken videos, which are listed
    )
)

recognition_test = dict(
    amp=False,  # as train.amp
    loader=L(build_test_loader)(
        records=of(test_set, DataSet.videos, every=1),
        mapper=L(ClipTestMapper)(
            reader=L(VideoReader)(short_side="${reader.short_side}"),
            transform=L(spatial.short_side)(size="${clip.short_side}"),
            clips=1,
            crops=1,
            **_sampling,
        ),
        batch_size=16,
        num_workers=1,
        max_unreadable=0.1,
    ),
    evaluator=L(TopKEvaluator)(),
)

detection = dict(
    train=L(build_train_loader)(
        # With tracks, both mappers give tubes: a box for every frame of a clip.
        records=L(people_to_train_on)(dataset=train_set, tracks=False),
        mapper=L(PeopleTrainMapper)(
            class_map="${class_map}",
            tubes="${..records.tracks}",
            clock=L(clock_of)(dataset=train_set),
            reader=of(train_set, DataSet.reader, short_side="${reader.short_side}"),
            transform=L(spatial.jitter_crop)(
                lowest="${clip.short_side}", highest=144, size="${clip.short_side}"
            ),
            **_sampling,
        ),
        batch_size=16,
        seed="${train.seed}",
        num_workers=1,
        max_unreadable=0.1,
    ),
    # The weights that `task.criterion.class_weights=balanced` uses.
    balanced_weights=L(effective_number_weights)(
        counts=L(label_counts)(records=of(train_set, DataSet.keyframes), class_map="${class_map}"),
        beta=0.999,
    ),
)

detection_test = dict(
    amp=False,  # as train.amp
    loader=L(build_test_loader)(
        records=L(people_to_test)(
            dataset=test_set,
            class_map="${class_map}",
            every=1,
            proposals="",
            threshold=0.0,
            tracks="${dataloader.train.records.tracks}",
        ),
        mapper=L(PeopleTestMapper)(
            class_map="${class_map}",
            tubes="${..records.tracks}",
            clock=L(clock_of)(dataset=test_set),
            reader=of(test_set, DataSet.reader, short_side="${reader.short_side}"),
            transform=L(spatial.short_side)(size="${clip.short_side}"),
            **_sampling,
        ),
        batch_size=16,
        num_workers=1,
        max_unreadable=0.1,
    ),
    evaluator=L(FrameMapEvaluator)(
        ground_truth=of(test_set, DataSet.ground_truth, every="${test.loader.records.every}"),
        class_map="${class_map}",
        evaluated=of(train_set, DataSet.evaluated_classes),
        protocol="uncapped",
    ),
)
