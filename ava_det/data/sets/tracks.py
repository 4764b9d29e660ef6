"""Find the boxes of the same person on all keyframes of a video.

Shapes: R people of the data set, M boxes on tracks, N tracks.
"""

from dataclasses import dataclass

import numpy as np

from ava_det.structures import Track


@dataclass(frozen=True, eq=False)
class TrackIndex:
    """The tracks of a data set, as indices into the arrays of `Keyframes`.

    Attributes:
        numbers: (R,) int32, the number of each person's track.
        edges: (N + 1,) int32; track n has the boxes `rows[edges[n] : edges[n + 1]]`.
        rows: (M,) int32, the index of each box, by track and tick.
        ticks: (M,) int64, the tick of each box.
    """

    numbers: np.ndarray
    edges: np.ndarray
    rows: np.ndarray
    ticks: np.ndarray

    def track(self, row: int, tick: int, boxes: np.ndarray) -> Track:
        """Return the track of a person.

        Args:
            row: The index of the person.
            tick: The tick of the person's keyframe.
            boxes: (R, 4) all boxes of the data set.
        """
        number = self.numbers[row]
        part = slice(self.edges[number], self.edges[number + 1])
        ticks, found = self.ticks[part].copy(), boxes[self.rows[part]]
        found[np.searchsorted(ticks, tick)] = boxes[row]  # an id may be on a keyframe twice
        return Track(ticks, found)

    @property
    def nbytes(self) -> int:
        """The size of the arrays in bytes."""
        return sum(array.nbytes for array in (self.numbers, self.edges, self.rows, self.ticks))


def index_tracks(
    rows: np.ndarray, videos: np.ndarray, ticks: np.ndarray, persons: np.ndarray
) -> TrackIndex:
    """Index the people of the same video and person id. A person without an id is a track alone.

    A track has one box per tick: the first, if several people have the same id.

    Args:
        rows: (P,) indices of people. The same index may occur several times.
        videos: (P,) the index of each person's video.
        ticks: (P,) the tick of each person.
        persons: (P,) the id of each person, -1 if unknown.
    """
    rows, first = np.unique(rows, return_index=True)
    videos, ticks, persons = videos[first], ticks[first], persons[first]
    persons = np.where(persons < 0, -1 - np.arange(len(rows)), persons)
    order = np.lexsort((ticks, persons, videos))  # stable
    rows, videos, ticks, persons = rows[order], videos[order], ticks[order], persons[order]
    begins = np.ones(len(rows), bool)
    begins[1:] = (np.diff(videos) != 0) | (np.diff(persons) != 0)
    number = np.cumsum(begins) - 1
    numbers = np.zeros(rows.max(initial=-1) + 1, np.int32)
    numbers[rows] = number
    chosen = begins.copy()
    chosen[1:] |= np.diff(ticks) != 0
    edges = np.searchsorted(number[chosen], np.arange(begins.sum() + 1))
    return TrackIndex(numbers, edges.astype(np.int32), rows[chosen].astype(np.int32), ticks[chosen])
