"""Loaders: from the name of a data set to batches."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.utils.comm import get_rank, get_world_size

from ava_det.data.keyframes import PackedKeyframes, join
from ava_det.data.mapper import (
    DetectionMapper,
    RecognitionMapper,
    VideoClip,
    collate_clips,
    collate_people,
)
from ava_det.data.proposals import (
    TrainingBoxes,
    require_same_keyframes,
    with_proposals,
    with_unlisted,
)
from ava_det.data.rare_classes import repeat_factors
from ava_det.data.sampler import Draws, Listed, SeekableSampler
from ava_det.data.sets.catalog import check_known, class_map_of, common_clock
from ava_det.data.subset import stratified_part
from ava_det.data.unreadable import CollateDrawn, ListingLoader, UnreadableList
from ava_det.formats.ava_csv import require_known, table_of
from ava_det.formats.class_map import ClassMap
from ava_det.formats.proposals import read_proposals, require_score
from ava_det.structures import AnnotatedKeyframe, InputError
from ava_det.video.frame_folders import FrameFolderReader
from ava_det.video.video import FrameReader, VideoReader

Records = Sequence[Any]
Mapper = Callable[..., dict[str, Any]]


def get_records(
    names: str | Sequence[str],
    every: int = 1,
    proposals: str = "",
    threshold: float = 0.0,
    unlisted: bool = False,
    fraction: float = 1.0,
    fraction_seed: int = 0,
) -> Records:
    """The records of one or several data sets of one class map.

    Args:
        names: of the data sets; that of a classification set may be a list file
            (`ava_det.formats.video_lists`).
        every: keep one record in so many, for a quick look.
        proposals: a csv or pickle of boxes that stand in for the annotated people of keyframes.
        threshold: least score of a proposal.
        unlisted: of the same videos, also the keyframes that the proposals alone list, unless
            they are excluded; what a model finds there is false, where a protocol counts it.
        fraction: keep so large a part of every class of a classification set.
        fraction_seed: which part.
    """
    require_score(threshold)
    names = [names] if isinstance(names, str) else list(names)
    records: Any = _joined([_load(check_known(name)) for name in names])
    if fraction != 1:
        records = stratified_part(records, fraction, fraction_seed)
    if not len(records):
        raise InputError(f"{', '.join(names)}: nothing in it")
    if not proposals:
        return records[::every]
    boxes = read_proposals(proposals)
    require_same_keyframes(records, boxes, proposals)
    boxes = boxes[boxes.score >= threshold].assign(action=-1)  # PySlowFast's lists have labels
    if unlisted:
        records = with_unlisted(records, boxes, names)
    return with_proposals(records[::every], boxes)


def _joined(parts: list[Records]) -> Records:
    """All records; packed ones stay packed."""
    if len(parts) == 1:
        return parts[0]
    packed = [part for part in parts if isinstance(part, PackedKeyframes)]
    return join(packed) if len(packed) == len(parts) else [r for part in parts for r in part]


def _load(name: str) -> Records:
    """The records of a data set, whose actions must all be in its class map."""
    records = DatasetCatalog.get(name)
    if isinstance(records, PackedKeyframes):
        known = set(class_map_of(name).ids)
        detection = [] if set(np.unique(records.actions).tolist()) <= known else records
    else:
        detection = [record for record in records if isinstance(record, AnnotatedKeyframe)]
        known = set(class_map_of(name).ids) if detection else set()
    for record in detection:
        unknown = {action for actions in record.people.actions for action in actions} - known
        if unknown:
            where = f"{record.people.keyframe.video}, tick {record.people.keyframe.tick}"
            raise InputError(f"{name}: {where}: action {min(unknown)} is not in the class map")
    return records


def get_ground_truth(names: str | Sequence[str], every: int = 1) -> pd.DataFrame:
    """The same records of a detection set as a table of AVA rows."""
    records = get_records(names, every)
    if isinstance(records, PackedKeyframes):
        return records.table()
    return table_of([record.people for record in records])


def get_class_map(name: str | Sequence[str]) -> ClassMap:
    """The classes of a data set, or of several that have the same.

    Raises:
        InputError: an unknown data set, or two whose classes differ.
    """
    names = [name] if isinstance(name, str) else name
    first, *others = (class_map_of(check_known(each)) for each in names)
    for other, classes in zip(names[1:], others, strict=True):
        if classes != first:
            raise InputError(f"{other}: its classes are not those of {names[0]}")
    return first


def get_evaluated_classes(name: str | Sequence[str]) -> ClassMap:
    """The classes of a data set that count in its evaluation: of AVA's 80, say, 60; those of the
    first one of several.
    """
    first = name if isinstance(name, str) else name[0]
    load = MetadataCatalog.get(check_known(first)).get("load_evaluated", None)
    return load() if load else get_class_map(name)


def frame_reader(
    dataset: str | Sequence[str], short_side: int | None = None, threads: int = 1
) -> FrameReader:
    """What reads the pictures of a data set or several, be they video files or JPEG frames.

    Args:
        dataset: names.
        short_side: as in `ava_det.video.video.Video`.
        threads: likewise.
    """
    names = [dataset] if isinstance(dataset, str) else dataset
    files = VideoReader(short_side, threads)
    folders = [
        folder
        for name in names
        for folder in MetadataCatalog.get(check_known(name)).get("frame_folders", ())
    ]
    return FrameFolderReader(folders, files, short_side) if folders else files


def detection_mapper(dataset: str | Sequence[str], **arguments: Any) -> DetectionMapper:
    """A `DetectionMapper` with the class map and clock of a data set, or several of the same."""
    clock = common_clock([dataset] if isinstance(dataset, str) else dataset)
    return DetectionMapper(class_map=get_class_map(dataset), clock=clock, **arguments)


def person_mapper(dataset: str | Sequence[str], **arguments: Any) -> DetectionMapper:
    """A `DetectionMapper` of single frames for a detector of people, whatever they do, with the
    clock of a data set, or several of the same.
    """
    clock = common_clock([dataset] if isinstance(dataset, str) else dataset)
    return DetectionMapper(class_map=None, clock=clock, frames=1, stride=1, **arguments)


def build_train_loader(
    dataset: str | Sequence[str],
    mapper: Mapper,
    batch_size: int,
    seed: int,
    num_workers: int = 0,
    fraction: float = 1.0,
    fraction_seed: int = 0,
    predicted: str = "",
    predicted_score: float = 0.8,
    negatives: bool = False,
    least_iou: float | None = 0.9,
    unlisted: bool = False,
    rare_below: float = 0.0,
    max_unreadable: float = 0.0,
    unreadable_list: str | Path = "",
) -> ListingLoader:
    """Endless batches of shuffled epochs.

    Args:
        dataset: one or several names.
        mapper: from a record and a random generator to a sample; a `RecognitionMapper` with
            `repeats` makes several clips of each video that is drawn.
        batch_size: clips or keyframes of all processes together.
        seed: of the order and of every draw of the mapper.
        num_workers: processes that prepare samples.
        fraction: train on so large a part of every class.
        fraction_seed: which part.
        predicted: a csv or pickle of boxes to train on beside the annotated people of keyframes.
        predicted_score: least score of one.
        negatives: keep those that have no label, as people who do nothing.
        least_iou: how well a predicted box must meet an annotated one to share its labels; None
            takes the labels that the list itself gives.
        unlisted: train on keyframes that this list alone has, too; wants `negatives`.
        rare_below: draw records with rare classes more often (`ava_det.data.rare_classes`): those
            on a smaller share of the records than this; 0 draws all alike.
        max_unreadable: share of the videos that may be missing or broken; a draw of such a video
            goes to another one.
        unreadable_list: csv file that lists them.
    """
    repeats = mapper.repeats if isinstance(mapper, RecognitionMapper) else 1
    world_size = get_world_size()
    if batch_size % (world_size * repeats):
        of_a_video = f" x {repeats} clips of a video" if repeats > 1 else ""
        raise InputError(
            f"dataloader.train.batch_size={batch_size} does not divide by {world_size} "
            f"processes{of_a_video}"
        )
    records = get_records(dataset, fraction=fraction, fraction_seed=fraction_seed)
    unreadable = _list_for(records, max_unreadable, unreadable_list)
    names = [dataset] if isinstance(dataset, str) else dataset
    proposals = read_proposals(predicted, predicted_score) if predicted else None
    if proposals is not None:
        require_same_keyframes(records, proposals, predicted)
        if unlisted:
            records = with_unlisted(records, proposals, names)
    weights = repeat_factors(records, rare_below) if rare_below else None
    if proposals is not None:
        if least_iou is None:
            _require_labels(proposals, class_map_of(names[0]), predicted)
        found = with_proposals(records, proposals)
        records = TrainingBoxes(records, found, least_iou, negatives)
    return ListingLoader(
        Draws(records, mapper, seed, weights),
        batch_size=batch_size // (world_size * repeats),
        sampler=SeekableSampler(0, get_rank(), world_size),
        collate_fn=_collate_for(mapper),
        unreadable=unreadable,
        num_workers=num_workers,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=num_workers > 0,
    )


def build_test_loader(
    records: Records,
    mapper: Mapper,
    batch_size: int,
    num_workers: int = 0,
    max_unreadable: float = 0.0,
    unreadable_list: str | Path = "",
) -> ListingLoader:
    """This process's share of the records, once, in order.

    Args:
        records: what to test on; each is as many samples as a `RecognitionMapper` takes clips.
        mapper: from a record to a sample.
        batch_size: of this process.
        num_workers: processes that prepare samples.
        max_unreadable: share of the videos that may be missing or broken; they are left out.
        unreadable_list: csv file that lists them.
    """
    share: Records = records[get_rank() :: get_world_size()]
    if isinstance(mapper, RecognitionMapper):
        share = [VideoClip(record, k) for record in share for k in range(mapper.clips)]
    return ListingLoader(
        Listed(share, mapper),
        batch_size=batch_size,
        collate_fn=_collate_for(mapper),
        unreadable=_list_for(records, max_unreadable, unreadable_list),
        num_workers=num_workers,
    )


def _require_labels(proposals: pd.DataFrame, class_map: ClassMap, path: str) -> None:
    """Refuse a list of boxes whose own labels are to be trained on if it has none, or others."""
    if not (proposals["action"] > 0).any():
        raise InputError(
            f"{path}: no box has an action; dataloader.train.least_iou=0.9 would share"
        )
    require_known(proposals, class_map, path)


def _collate_for(mapper: Mapper) -> CollateDrawn:
    return CollateDrawn(collate_people if isinstance(mapper, DetectionMapper) else collate_clips)


def _list_for(records: Records, most: float, path: str | Path) -> UnreadableList:
    packed = isinstance(records, PackedKeyframes)
    files = records.files() if packed else {record.path for record in records}
    return UnreadableList(len(files), most, path)
