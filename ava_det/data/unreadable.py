"""Leave out, count and list videos that cannot be read; too many of them are an error."""

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
    """The unreadable videos of a data set, each once.

    Args:
        total: The number of videos in the data set.
        most: The largest share of the videos that may be unreadable.
        path: A csv file. New videos are appended, so that all processes of a run and the resumed
            run share one list; "" keeps the list in memory.
    """

    def __init__(self, total: int, most: float, path: str | Path = "") -> None:
        self.total, self.most = total, most
        self.path = Path(path) if path else None
        self._listed = set(self._read())

    def __len__(self) -> int:
        """Return the number of unreadable videos."""
        return len(self._listed)

    def add(self, videos: Iterable[UnreadableVideo]) -> None:
        """Add the unreadable videos of a batch.

        Raises:
            InputError: Too many videos are unreadable.
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
                f"{last.reason}: {count} of {self.total} videos cannot be read, more "
                f"than {100 * self.most:g} %{where}"
            )
        if (count & (count - 1)) == 0:  # warn at 1, 2, 4, 8, ... videos
            logger.warning(
                "left out, %d of %d videos so far: %s%s", count, self.total, last.reason, where
            )

    def _read(self) -> list[str]:
        """Read the paths in the csv file."""
        if self.path is None or not self.path.exists():
            return []
        with open(self.path, newline="", encoding="utf-8") as file:
            return [row[0] for row in csv.reader(file) if len(row) == len(COLUMNS)][1:]

    def _append(self, videos: Iterable[UnreadableVideo]) -> None:
        """Append each row with a single write, so that no row is mixed with another process's."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        so_far = self.path.read_bytes() if self.path.exists() else b""
        rows = [] if so_far else [COLUMNS]
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            if so_far and not so_far.endswith(b"\n"):  # a killed process left half a row
                os.write(file, b"\n")
            for row in [*rows, *((video.path, video.video, video.reason) for video in videos)]:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerow(row)
                os.write(file, text.getvalue().encode())
        finally:
            os.close(file)


class Collate(Protocol):
    """The function of a mapper that joins samples to a batch."""

    def __call__(self, samples: Sequence[Any], unreadable: Sequence[UnreadableVideo]) -> Batch:
        """Return one batch, with the list of unreadable videos."""
        ...


@dataclass(frozen=True)
class CollateDrawn:
    """Join the samples of several draws to a batch."""

    collate: Collate

    def __call__(self, draws: Sequence[Drawn]) -> Batch:
        """Return one batch."""
        samples = [drawn.sample for drawn in draws if drawn.sample is not None]
        return self.collate(samples, [video for drawn in draws for video in drawn.unreadable])


class ListingLoader(SteadyLoader):
    """A `DataLoader` that keeps a list of unreadable videos.

    Args:
        unreadable: The list.
        arguments: The arguments of `DataLoader`.
    """

    unreadable: UnreadableList

    def __init__(self, *arguments: Any, unreadable: UnreadableList, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.unreadable = unreadable

    def skip(self, batches: int) -> None:
        """Skip some batches; this needs a `SeekableSampler`."""
        draws = batches * (self.batch_size or 1)
        self.sampler.skip(draws)  # pyrefly: ignore[missing-attribute]

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over batches; raise `InputError` if too many videos are unreadable."""
        return self._listed(super().__iter__())  # called now because it draws random numbers

    def _listed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.unreadable.add(batch.unreadable)
            yield batch
