"""Draw training samples in an endless, seekable order, so that a resumed run continues exactly.

Each draw of a run has a number. The record and the random augmentation of a draw depend only on the
seed and this number. (detectron2's `TrainingSampler` restarts at 0 when a run is resumed.)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from ava_det.structures import InputError, UnreadableVideo

Record = TypeVar("Record")
Sample = TypeVar("Sample")

ATTEMPTS = 50  # records that a draw tries before it gives up


@dataclass(frozen=True)
class Drawn(Generic[Sample]):
    """The result of a draw: a sample, or None if nothing was readable, and the unreadable videos.

    A broken file raises no exception here, because an exception would end the worker process. The
    loader decides how many unreadable videos are too many.
    """

    sample: Sample | None
    unreadable: tuple[UnreadableVideo, ...] = ()


class SeekableSampler(Sampler[int]):
    """The endless sequence of draw numbers of one process.

    Args:
        start: The number of the first draw, counted over all processes.
        rank: The index of this process.
        world_size: The number of processes; draw p belongs to process p modulo `world_size`.
    """

    def __init__(self, start: int = 0, rank: int = 0, world_size: int = 1):
        self.first, self.step = start + rank, world_size

    def skip(self, draws: int) -> None:
        """Skip `draws` draws in each process."""
        self.first += draws * self.step

    def __iter__(self) -> Iterator[int]:
        """Yield draw numbers."""
        number = self.first
        while True:
            yield number
            number += self.step


class Draws(Dataset[Drawn[Sample]], Generic[Record, Sample]):
    """Samples by draw number, in shuffled epochs; all randomness depends on seed and number.

    If a record cannot be read, another record replaces it. The replacement depends on the seed and
    the draw number too, so it is the same for any number of workers and after a resume.

    Args:
        records: The records of an epoch.
        mapper: Makes a sample of a record. It may draw random numbers from torch's global generator
            and from the numpy generator that it receives.
        seed: The seed of the order and of every draw.
        weights: (N,) How often to draw each record, relative to the others; an epoch still has N
            draws. None draws each record once per epoch.
    """

    def __init__(
        self,
        records: Sequence[Record],
        mapper: Callable[[Record, np.random.Generator], Sample],
        seed: int,
        weights: np.ndarray | None = None,
    ):
        self.records, self.mapper, self.seed = records, mapper, seed
        self._edges = (
            None if weights is None else np.cumsum(weights) * (len(weights) / sum(weights))
        )
        # The order of one epoch; a plain attribute because spawned workers get a pickled copy.
        self._epoch, self._order = 0, self._shuffle(0)

    def __len__(self) -> int:
        """Return the number of draws in an epoch."""
        return len(self.records)

    def _shuffle(self, epoch: int) -> np.ndarray:
        rng, count = np.random.default_rng((self.seed, epoch)), len(self.records)
        if self._edges is None:
            return rng.permutation(count)
        # Systematic draws: a record with weight 1.3 is drawn once or twice, never three times.
        drawn = np.searchsorted(self._edges, np.arange(count) + rng.random(), side="right")
        return rng.permutation(drawn.clip(max=count - 1))  # rounding may leave the last edge short

    def __getitem__(self, index: int) -> Drawn[Sample]:
        """Return the sample of draw number `index`."""
        epoch, place = divmod(index, len(self.records))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffle(epoch)
        key = (self.seed, epoch, place)
        number = int(self._order[place])
        unreadable: list[UnreadableVideo] = []
        for attempt in range(1, ATTEMPTS + 1):
            record = self.records[number]
            try:
                return Drawn(self._sample(record, key), tuple(unreadable))
            except InputError as error:
                unreadable.append(_unreadable(record, error))
            key = (self.seed, epoch, place, attempt)
            number = int(np.random.default_rng((*key, 0)).integers(len(self.records)))
        return Drawn(None, tuple(unreadable))

    def _sample(self, record: Record, key: tuple[int, ...]) -> Sample:
        rng = np.random.default_rng(key)
        with torch.random.fork_rng(devices=()):
            # Avoid torch.manual_seed: without CUDA it formats the whole stack for a message, which
            # takes as long as cropping a small clip.
            torch.default_generator.manual_seed(int(rng.integers(2**62)))
            return self.mapper(record, rng)


class Listed(Dataset[Drawn[Sample]], Generic[Record, Sample]):
    """Samples in the order of the records, for testing."""

    def __init__(self, records: Sequence[Record], mapper: Callable[[Record], Sample]):
        self.records, self.mapper = records, mapper

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Drawn[Sample]:
        """Return the sample of record `index`."""
        record = self.records[index]
        try:
            return Drawn(self.mapper(record))
        except InputError as error:
            return Drawn(None, (_unreadable(record, error),))


def _unreadable(record: Any, error: InputError) -> UnreadableVideo:
    return UnreadableVideo(record.video, record.path, str(error))
