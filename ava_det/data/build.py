"""Loaders: from the records of a data set to batches."""

from pathlib import Path
from typing import Any

import torch
from detectron2.utils.comm import get_rank, get_world_size

from ava_det.data.mapper import TestMapper, TrainMapper
from ava_det.data.rare_classes import repeat_factors
from ava_det.data.sampler import Draws, Listed, SeekableSampler
from ava_det.data.sets.records import Records
from ava_det.data.unreadable import CollateDrawn, ListingLoader, UnreadableList
from ava_det.structures import InputError


def build_train_loader(
    records: Records[Any],
    mapper: TrainMapper[Any],
    batch_size: int,
    seed: int,
    num_workers: int = 0,
    rare_below: float = 0.0,
    max_unreadable: float = 0.0,
    unreadable_list: str | Path = "",
) -> ListingLoader:
    """Endless batches of shuffled epochs.

    Args:
        records: what an epoch goes through.
        mapper: from a record and a random generator to a sample, and from samples to a batch.
        batch_size: clips or keyframes of all processes together.
        seed: of the order and of every draw of the mapper.
        num_workers: processes that prepare samples.
        rare_below: draw records with rare classes more often (`ava_det.data.rare_classes`): those
            on a smaller share of the records than this; 0 draws all alike.
        max_unreadable: share of the videos that may be missing or broken; a draw of such a video
            goes to another one.
        unreadable_list: csv file that lists them.
    """
    repeats, world_size = mapper.repeats, get_world_size()
    if batch_size % (world_size * repeats):
        of_a_video = f" x {repeats} clips of a video" if repeats > 1 else ""
        raise InputError(
            f"dataloader.train.batch_size={batch_size} does not divide by {world_size} "
            f"processes{of_a_video}"
        )
    weights = repeat_factors(records, rare_below) if rare_below else None
    return ListingLoader(
        Draws(records, mapper, seed, weights),
        batch_size=batch_size // (world_size * repeats),
        sampler=SeekableSampler(0, get_rank(), world_size),
        collate_fn=CollateDrawn(mapper.collate),
        unreadable=UnreadableList(len(records.files()), max_unreadable, unreadable_list),
        num_workers=num_workers,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=num_workers > 0,
    )


def build_test_loader(
    records: Records[Any],
    mapper: TestMapper[Any],
    batch_size: int,
    num_workers: int = 0,
    max_unreadable: float = 0.0,
    unreadable_list: str | Path = "",
) -> ListingLoader:
    """This process's share of the records, once, in order.

    Args:
        records: what to test on.
        mapper: from records to items, from an item to a sample, and from samples to a batch.
        batch_size: samples of this process.
        num_workers: processes that prepare samples.
        max_unreadable: share of the videos that may be missing or broken; they are left out.
        unreadable_list: csv file that lists them.
    """
    share = records[get_rank() :: get_world_size()]
    return ListingLoader(
        Listed(mapper.items(share), mapper),
        batch_size=batch_size,
        collate_fn=CollateDrawn(mapper.collate),
        unreadable=UnreadableList(len(records.files()), max_unreadable, unreadable_list),
        num_workers=num_workers,
    )
