"""What every kind of records has: those of detection, of classification and of training."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Record = TypeVar("Record", covariant=True)


class Records(Sequence[Record]):
    """A sequence of records, each with the name of its `video` and the `path` of its file."""

    @abstractmethod
    def files(self) -> set[str]:
        """The files that the records lie in."""

    @abstractmethod
    def occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        """The record (M,) and the class (M,) of each label."""
