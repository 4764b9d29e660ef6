"""Build the loaders, which make batches of the records of a data set."""

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
    """Build a loader of endless batches, over shuffled epochs.

    Args:
        records: The records of an epoch.
        mapper: Makes a sample of a record and a random generator, and a batch of samples.
        batch_size: The number of clips or keyframes in a batch, over all processes.
        seed: The seed of the order and of the random numbers of the mapper.
        num_workers: The number of processes that prepare samples.
        rare_below: Draw records with rare classes more often (`ava_det.data.rare_classes`). A class
            on a smaller share of the records than this is rare; 0 draws all records equally often.
        max_unreadable: The share of the videos that may be missing or broken. Another video
            replaces an unreadable one.
        unreadable_list: The csv file that lists the unreadable videos.
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
    """Build a loader of this process's share of the records, once and in order.

    Args:
        records: The records to test on.
        mapper: Makes items of the records, a sample of an item, and a batch of samples.
        batch_size: The number of samples in a batch of this process.
        num_workers: The number of processes that prepare samples.
        max_unreadable: The share of the videos that may be missing or broken; they are left out.
        unreadable_list: The csv file that lists the unreadable videos.
    """
    share = records[get_rank() :: get_world_size()]
    return ListingLoader(
        Listed(mapper.items(share), mapper),
        batch_size=batch_size,
        collate_fn=CollateDrawn(mapper.collate),
        unreadable=UnreadableList(len(records.files()), max_unreadable, unreadable_list),
        num_workers=num_workers,
    )
