"""The videos of a classification set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from ava_det.data.sets.records import Records
from ava_det.structures import LabelledVideo


@dataclass(frozen=True)
class LabelledVideos(Records[LabelledVideo]):
    """The records of a classification set.

    Attributes:
        items: The videos, in order.
    """

    items: Sequence[LabelledVideo]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> LabelledVideo: ...
    @overload
    def __getitem__(self, index: slice) -> "LabelledVideos": ...
    def __getitem__(self, index: int | slice) -> "LabelledVideo | LabelledVideos":
        found = self.items[index]
        return found if isinstance(found, LabelledVideo) else LabelledVideos(found)

    def files(self) -> set[str]:
        """Return the video files."""
        return {video.path for video in self.items}

    def occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the video (N,) and the class (N,) of each label."""
        return np.arange(len(self)), np.array([video.label for video in self.items], np.int64)
