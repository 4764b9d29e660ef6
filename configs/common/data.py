"""Clips and loaders; every run sets `clip` and the names of its data sets.

A config that takes loaders from here takes `clip`, `reader` and `class_map` along, for the loaders
refer to them: a value stands in one place, so that one override moves all who use it.
"""

from detectron2.config import LazyCall as L

from ava_det.augment import spatial
from ava_det.data.build import (
    build_test_loader,
    build_train_loader,
    detection_mapper,
    frame_reader,
    get_class_map,
    get_evaluated_classes,
    get_ground_truth,
    get_records,
)
from ava_det.data.mapper import RecognitionMapper
from ava_det.model.criterion import effective_number_weights, label_counts
from ava_det.train.evaluators import FrameMapEvaluator, TopKEvaluator
from ava_det.video.video import VideoReader

clip = dict(frames=16, stride=2, rate=25.0, short_side=112)
reader = dict(short_side=None)  # pixels that frames are decoded at; None: as they are
_sampling = dict(frames="${clip.frames}", stride="${clip.stride}", rate="${clip.rate}")

recognition = dict(
    train=L(build_train_loader)(
        dataset="",
        mapper=L(RecognitionMapper)(
            reader=L(VideoReader)(short_side="${reader.short_side}"),
            transform=L(spatial.random_resized_crop)(size="${clip.short_side}"),
            window=64,
            **_sampling,
        ),
        batch_size=16,
        seed="${train.seed}",
        num_workers=1,
        max_unreadable=0.1,  # share of the videos that may be broken; they are counted and listed
    )
)

recognition_test = dict(
    amp=False,  # as train.amp
    loader=L(build_test_loader)(
        records=L(get_records)(names="", every=1),
        mapper=L(RecognitionMapper)(
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
        dataset="",
        mapper=L(detection_mapper)(
            dataset="${dataloader.train.dataset}",
            reader=L(frame_reader)(
                dataset="${dataloader.train.dataset}", short_side="${reader.short_side}"
            ),
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
    # What `task.criterion.class_weights=balanced` stands for.
    balanced_weights=L(effective_number_weights)(
        counts=L(label_counts)(
            records=L(get_records)(names="${dataloader.train.dataset}"), class_map="${class_map}"
        ),
        beta=0.999,
    ),
)

detection_test = dict(
    amp=False,  # as train.amp
    loader=L(build_test_loader)(
        records=L(get_records)(names="", every=1, proposals="", threshold=0.0),
        mapper=L(detection_mapper)(
            dataset="${test.loader.records.names}",
            reader=L(frame_reader)(
                dataset="${test.loader.records.names}", short_side="${reader.short_side}"
            ),
            transform=L(spatial.short_side)(size="${clip.short_side}"),
            **_sampling,
        ),
        batch_size=16,
        num_workers=1,
        max_unreadable=0.1,
    ),
    evaluator=L(FrameMapEvaluator)(
        ground_truth=L(get_ground_truth)(
            names="${test.loader.records.names}", every="${test.loader.records.every}"
        ),
        class_map="${class_map}",
        evaluated=L(get_evaluated_classes)(name="${class_map.name}"),
        protocol="uncapped",
    ),
)

class_map = L(get_class_map)(name="${dataloader.train.dataset}")
