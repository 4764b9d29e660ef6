"""The common interface of the records of detection, classification and training."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Record = TypeVar("Record", covariant=True)


class Records(Sequence[Record]):
    """A sequence of records; each record has a `video` (name) and a `path` (file)."""

    @abstractmethod
    def files(self) -> set[str]:
        """Return the video files of the records."""

    @abstractmethod
    def occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the record (M,) and the class (M,) of each label."""
