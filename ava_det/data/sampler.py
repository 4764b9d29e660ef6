"""An endless, seekable order of training: draw number -> item, so that a resumed run goes on as if
it had never stopped.

detectron2's `TrainingSampler` restarts at 0 on resume; here each draw of the run has a number, and
its item and its random augmentation depend on (seed, number) alone.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

Record = TypeVar("Record")
Sample = TypeVar("Sample")


class SeekableSampler(Sampler[int]):
    """Numbers of the draws of one process, without end.

    Args:
        start: number of the first draw of all processes together.
        rank: index of this process.
        world_size: number of processes; draw p belongs to process p modulo `world_size`.
    """

    def __init__(self, start: int = 0, rank: int = 0, world_size: int = 1):
        self.first, self.step = start + rank, world_size

    def __iter__(self) -> Iterator[int]:
        """Yield draw numbers."""
        number = self.first
        while True:
            yield number
            number += self.step


class Draws(Dataset[Sample], Generic[Record, Sample]):
    """Samples by draw number: shuffled epochs, randomness keyed by (seed, number).

    Args:
        records: what an epoch goes through.
        mapper: makes a sample of a record; may draw from torch's global generator and from the
            numpy generator that it is given.
        seed: of the order and of every draw.
    """

    def __init__(
        self,
        records: Sequence[Record],
        mapper: Callable[[Record, np.random.Generator], Sample],
        seed: int,
    ):
        self.records, self.mapper, self.seed = records, mapper, seed
        self._order = lru_cache(maxsize=2)(self._shuffle)

    def _shuffle(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self.seed, epoch)).permutation(len(self.records))

    def __getitem__(self, index: int) -> Sample:
        """The sample of draw number `index`."""
        epoch, place = divmod(index, len(self.records))
        record = self.records[self._order(epoch)[place]]
        rng = np.random.default_rng((self.seed, epoch, place))
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(int(rng.integers(2**62)))
            return self.mapper(record, rng)


class Listed(Dataset[Sample], Generic[Record, Sample]):
    """Samples in the order of the records, for testing."""

    def __init__(self, records: Sequence[Record], mapper: Callable[[Record], Sample]):
        self.records, self.mapper = records, mapper

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        """The sample of record `index`."""
        return self.mapper(self.records[index])
