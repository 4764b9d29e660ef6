"""Videos that cannot be read: left out, counted and listed; too many of them are an error."""

import csv
import io
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ava_det.batch import Batch
from ava_det.data.sampler import Drawn
from ava_det.data.workers import SteadyLoader
from ava_det.structures import InputError, UnreadableVideo

COLUMNS = ("path", "video", "reason")

logger = logging.getLogger(__name__)


class UnreadableList:
    """The videos of a data set that could not be read, each once.

    Args:
        total: how many videos the set has.
        most: largest share of them that may be unreadable.
        path: a csv file that is added to, so that the processes of a run and its resumed parts
            share one list; "" keeps it in memory.
    """

    def __init__(self, total: int, most: float, path: str | Path = "") -> None:
        self.total, self.most = total, most
        self.path = Path(path) if path else None
        self._listed = set(self._read())

    def __len__(self) -> int:
        """How many videos are on it."""
        return len(self._listed)

    def add(self, videos: Iterable[UnreadableVideo]) -> None:
        """Take in videos that a batch had to do without.

        Raises:
            InputError: they are more than the share that may be unreadable.
        """
        new = {video.path: video for video in videos if video.path not in self._listed}
        if not new:
            return
        self._listed |= set(self._read()) | set(new)
        self._append(new.values())
        count, last = len(self._listed), list(new.values())[-1]
        where = f"; all are listed in {self.path}" if self.path else ""
        if count > self.most * self.total:
            if not self.most:
                raise InputError(last.reason)
            raise InputError(
                f"{last.reason}: and with it {count} of {self.total} videos cannot be read, more "
                f"than {100 * self.most:g} %{where}"
            )
        if (count & (count - 1)) == 0:  # said ever more rarely
            logger.warning(
                "left out, %d of %d videos so far: %s%s", count, self.total, last.reason, where
            )

    def _read(self) -> list[str]:
        """The paths of the file."""
        if self.path is None or not self.path.exists():
            return []
        with open(self.path, newline="", encoding="utf-8") as file:
            return [row[0] for row in csv.reader(file) if len(row) == len(COLUMNS)][1:]

    def _append(self, videos: Iterable[UnreadableVideo]) -> None:
        """Add rows by one write a time, which a kill or another process does not split."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        so_far = self.path.read_bytes() if self.path.exists() else b""
        rows = [] if so_far else [COLUMNS]
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            if so_far and not so_far.endswith(b"\n"):  # half a row of a process that was killed
                os.write(file, b"\n")
            for row in [*rows, *((video.path, video.video, video.reason) for video in videos)]:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerow(row)
                os.write(file, text.getvalue().encode())
        finally:
            os.close(file)


class Collate(Protocol):
    """How a mapper makes a batch of samples."""

    def __call__(self, samples: Sequence[Any], unreadable: Sequence[UnreadableVideo]) -> Batch:
        """One batch, which says what was left out."""
        ...


@dataclass(frozen=True)
class CollateDrawn:
    """From draws to a batch of their samples."""

    collate: Collate

    def __call__(self, draws: Sequence[Drawn]) -> Batch:
        """One batch."""
        samples = [drawn.sample for drawn in draws if drawn.sample is not None]
        return self.collate(samples, [video for drawn in draws for video in drawn.unreadable])


class ListingLoader(SteadyLoader):
    """A `DataLoader` of draws that keeps a list of what could not be read.

    Args:
        unreadable: that list.
        arguments: of `DataLoader`.
    """

    unreadable: UnreadableList

    def __init__(self, *arguments: Any, unreadable: UnreadableList, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.unreadable = unreadable

    def skip(self, batches: int) -> None:
        """Go on after so many more batches, where the sampler can be told so."""
        draws = batches * (self.batch_size or 1)
        self.sampler.skip(draws)  # pyrefly: ignore[missing-attribute]

    def __iter__(self) -> Iterator[Batch]:
        """Batches; `InputError` when too much is unreadable."""
        return self._listed(super().__iter__())  # made now, for making it draws random numbers

    def _listed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.unreadable.add(batch.unreadable)
            yield batch
