"""An endless, seekable order of training: draw number -> item, so that a resumed run goes on as if
it had never stopped.

detectron2's `TrainingSampler` restarts at 0 on resume; here each draw of the run has a number, and
its item and its random augmentation depend on (seed, number) alone.
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

ATTEMPTS = 50  # records that a draw tries before it gives up: more than any tolerable share needs


@dataclass(frozen=True)
class Drawn(Generic[Sample]):
    """What came of a draw: a sample, unless nothing was readable, and what was left out for it.

    A broken file is no exception here, for an exception would end the worker process; whoever
    takes the batches decides what is too much.
    """

    sample: Sample | None
    unreadable: tuple[UnreadableVideo, ...] = ()


class SeekableSampler(Sampler[int]):
    """Numbers of the draws of one process, without end.

    Args:
        start: number of the first draw of all processes together.
        rank: index of this process.
        world_size: number of processes; draw p belongs to process p modulo `world_size`.
    """

    def __init__(self, start: int = 0, rank: int = 0, world_size: int = 1):
        self.first, self.step = start + rank, world_size

    def skip(self, draws: int) -> None:
        """Go on after so many more draws of each process."""
        self.first += draws * self.step

    def __iter__(self) -> Iterator[int]:
        """Yield draw numbers."""
        number = self.first
        while True:
            yield number
            number += self.step


class Draws(Dataset[Drawn[Sample]], Generic[Record, Sample]):
    """Samples by draw number: shuffled epochs, randomness keyed by (seed, number).

    In place of a record that cannot be read comes another one, keyed by the number as well: which
    one does not depend on the other draws, the worker processes or where a run was resumed.

    Args:
        records: what an epoch goes through.
        mapper: makes a sample of a record; may draw from torch's global generator and from the
            numpy generator that it is given.
        seed: of the order and of every draw.
        weights: (N,) how often each record is drawn in proportion to the others; an epoch stays N
            draws long. None draws each once an epoch.
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
        # The order of one epoch; a plain attribute, for spawned workers are sent all of this.
        self._epoch, self._order = 0, self._shuffle(0)

    def __len__(self) -> int:
        """Draws in an epoch."""
        return len(self.records)

    def _shuffle(self, epoch: int) -> np.ndarray:
        rng, count = np.random.default_rng((self.seed, epoch)), len(self.records)
        if self._edges is None:
            return rng.permutation(count)
        # Systematic draws: a record that is due 1.3 times is drawn once or twice, never thrice.
        drawn = np.searchsorted(self._edges, np.arange(count) + rng.random(), side="right")
        return rng.permutation(drawn.clip(max=count - 1))  # rounding may leave the last edge short

    def __getitem__(self, index: int) -> Drawn[Sample]:
        """The sample of draw number `index`."""
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
            # Not torch.manual_seed: without CUDA it formats the whole stack for CUDA's sake, which
            # costs as much as a small clip's crop.
            torch.default_generator.manual_seed(int(rng.integers(2**62)))
            return self.mapper(record, rng)


class Listed(Dataset[Drawn[Sample]], Generic[Record, Sample]):
    """Samples in the order of the records, for testing."""

    def __init__(self, records: Sequence[Record], mapper: Callable[[Record], Sample]):
        self.records, self.mapper = records, mapper

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Drawn[Sample]:
        """The sample of record `index`."""
        record = self.records[index]
        try:
            return Drawn(self.mapper(record))
        except InputError as error:
            return Drawn(None, (_unreadable(record, error),))


def _unreadable(record: Any, error: InputError) -> UnreadableVideo:
    return UnreadableVideo(record.video, record.path, str(error))
