"""Store the keyframes of a data set in a few arrays: a million labels need some tens of MB.

Shapes: V videos, K keyframes, R people, L labels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import overload

import numpy as np
import pandas as pd

from ava_det.data.sets.records import Records
from ava_det.data.sets.tracks import TrackIndex, index_tracks
from ava_det.formats.ava_rows import BOX
from ava_det.structures import AnnotatedKeyframe, Keyframe, PersonBoxes


@dataclass(frozen=True, eq=False)
class Keyframes(Records[AnnotatedKeyframe]):
    """The records of a detection set; `AnnotatedKeyframe`s are made on access. A slice is a view.

    Attributes:
        names: The names of the V videos.
        paths: The files of the V videos.
        videos: (K,) int32, the index of each keyframe's video.
        ticks: (K,) int64.
        people: (K, 2) int32, the index of a keyframe's first person, and of the last person plus 1.
        boxes: (R, 4) float64, relative xyxy.
        scores: (R,) float64.
        persons: (R,) int64 ids, -1 if unknown.
        labels: (R + 1,) int32; person r has the actions `actions[labels[r] : labels[r + 1]]`.
        actions: (L,) int32, 1-based ids.
        tracks: The tracks of the people; None: the records have no tracks.
    """

    names: Sequence[str]
    paths: Sequence[str]
    videos: np.ndarray
    ticks: np.ndarray
    people: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    persons: np.ndarray
    labels: np.ndarray
    actions: np.ndarray
    tracks: TrackIndex | None = None

    def __len__(self) -> int:
        return len(self.ticks)

    @overload
    def __getitem__(self, index: int) -> AnnotatedKeyframe: ...
    @overload
    def __getitem__(self, index: slice) -> "Keyframes": ...
    def __getitem__(self, index: int | slice) -> "AnnotatedKeyframe | Keyframes":
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        video = self.videos[index]
        keyframe = Keyframe(self.names[video], int(self.ticks[index]))
        first, last = self.people[index]
        edges = self.labels[first : last + 1].tolist()
        actions = [tuple(self.actions[start:end].tolist()) for start, end in pairwise(edges)]
        # Copy, so that callers cannot change the data set.
        chosen = slice(first, last)
        people = PersonBoxes(
            keyframe,
            self.boxes[chosen].copy(),
            tuple(actions),
            self.scores[chosen].copy(),
            self.persons[chosen].copy(),
        )
        tracks = None
        if self.tracks is not None:
            rows = range(first, last)
            tracks = tuple(self.tracks.track(row, keyframe.tick, self.boxes) for row in rows)
        return AnnotatedKeyframe(self.paths[video], people, tracks)

    def without_people(self) -> int:
        """Return the number of keyframes without people."""
        return int((self.people[:, 0] == self.people[:, 1]).sum())

    def select(self, chosen: np.ndarray) -> "Keyframes":
        """Select keyframes by indices (M,) or by a mask (K,)."""
        return replace(
            self,
            videos=self.videos[chosen],
            ticks=self.ticks[chosen],
            people=self.people[chosen],
        )

    def with_tracks(self) -> "Keyframes":
        """Return the same keyframes with tracks: the boxes of each person on all these keyframes.

        Ask for tracks last, but before a slice: a slice keeps the boxes of all keyframes.
        """
        rows, owner = _spread(self.people)
        ids = self.persons[rows]
        tracks = index_tracks(rows, self.videos[owner], self.ticks[owner], ids)
        return replace(self, tracks=tracks)

    def with_people(self, table: pd.DataFrame) -> "Keyframes":
        """Return the same keyframes with the people of a table of AVA rows, without tracks."""
        mine = {self.names[k]: self.paths[k] for k in np.unique(self.videos)}
        other = pack(table, mine)
        number = {name: k for k, name in enumerate(other.names)}
        codes = np.array([number.get(name, -1) for name in self.names], np.int64)[self.videos]
        there = pd.MultiIndex.from_arrays([other.videos, other.ticks])
        place = there.get_indexer(pd.MultiIndex.from_arrays([codes, self.ticks]))
        people = np.concatenate([other.people, np.zeros((1, 2), np.int32)])[place]
        # A joined video may have several indices, but an id of the table is one person.
        first: dict[tuple[str, str], int] = {}
        pairs = zip(self.names, self.paths, strict=True)
        indices = [first.setdefault(pair, k) for k, pair in enumerate(pairs)]
        return replace(
            self,
            videos=np.array(indices, np.int32)[self.videos],
            people=people,
            boxes=other.boxes,
            scores=other.scores,
            persons=other.persons,
            labels=other.labels,
            actions=other.actions,
            tracks=None,
        )

    def with_keyframes(self, table: pd.DataFrame) -> "Keyframes":
        """Add the keyframes that only a table of AVA rows lists, in the same videos.

        The added keyframes have no people.
        """
        other = pack(table, {self.names[k]: self.paths[k] for k in np.unique(self.videos)})
        mine, its = (
            pd.MultiIndex.from_arrays([np.asarray(k.names, object)[k.videos], k.ticks])
            for k in (self, other)
        )
        new = other.select(~its.isin(mine))
        return join([self, replace(new, people=np.zeros_like(new.people))])

    def occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the keyframe (M,) and the action (M,) of each label."""
        rows, owner = _spread(self.labels[self.people])
        return owner, self.actions[rows]

    def files(self) -> set[str]:
        """Return the video files of the keyframes."""
        return {self.paths[k] for k in np.unique(self.videos)}

    @property
    def nbytes(self) -> int:
        """Return the size of the arrays in bytes."""
        arrays = (self.videos, self.ticks, self.people, self.boxes, self.scores, self.persons)
        tracks = self.tracks.nbytes if self.tracks else 0
        return tracks + sum(array.nbytes for array in (*arrays, self.labels, self.actions))

    def table(self) -> pd.DataFrame:
        """Return rows in the columns of `ava_det.formats.ava_csv`, with scores, like `table_of`."""
        people, keyframes = _spread(self.people)
        # Keyframes without people and people without actions have one row too.
        empty = self.people[:, 0] == self.people[:, 1]
        keyframes = np.concatenate([keyframes, np.flatnonzero(empty)])
        people = np.concatenate([people, np.full(empty.sum(), -1)])
        order = np.argsort(keyframes, kind="stable")
        keyframes, people = keyframes[order], people[order]
        edges = np.column_stack([self.labels[:-1], self.labels[1:]])
        edges = np.concatenate([edges, np.zeros((1, 2), edges.dtype)])[people]  # -1 is the last
        rows, owner = _spread(edges, least=1)
        labelled = (edges[:, 0] < edges[:, 1])[owner]
        actions = np.full(len(rows), -1, np.int64)
        actions[labelled] = self.actions[rows[labelled]]
        people, keyframes = people[owner], keyframes[owner]
        nobody = people < 0
        videos = pd.Categorical(
            np.asarray(self.names, dtype=object)[self.videos[keyframes]],
            categories=sorted({self.names[k] for k in np.unique(self.videos)}),
        )
        columns = {"video": videos, "tick": self.ticks[keyframes]}
        boxes = np.where(nobody[:, None], np.nan, _at(self.boxes, people))
        columns |= dict(zip(BOX, boxes.T, strict=True))
        columns["action"] = actions
        columns["person"] = np.where(nobody, -1, _at(self.persons, people))
        columns["score"] = np.where(nobody, np.nan, _at(self.scores, people))
        return pd.DataFrame(columns)


def pack(table: pd.DataFrame, paths: dict[str, str]) -> Keyframes:
    """Make keyframes of a table of AVA rows, in the order of their first rows.

    As in `ava_csv.people_by_keyframe`, rows with an identical box on a keyframe are one person,
    with the score and the id of the first row. Repeated actions and actions below 1 are left out.

    Args:
        table: The rows, in the columns of `ava_det.formats.ava_csv`.
        paths: The file of each video; rows of other videos are left out.
    """
    categories = table["video"].cat.categories
    known = np.array([name in paths for name in categories], bool)
    codes = table["video"].cat.codes.to_numpy()
    table = table[known[codes]] if not known.all() else table
    codes = table["video"].cat.codes.to_numpy().astype(np.int64)
    ticks = table["tick"].to_numpy()
    keys, keyframes = _in_order(codes, ticks)
    rows, person_of = _persons(table, keyframes)
    actions, labels = _labels(table["action"].to_numpy(), person_of, len(rows))
    starts = np.searchsorted(keyframes[rows], np.arange(len(keys) + 1)).astype(np.int32)
    scores = table["score"].to_numpy()[rows] if "score" in table else np.ones(len(rows))
    return Keyframes(
        names=list(categories),
        paths=[paths.get(name, "") for name in categories],
        videos=codes[keys].astype(np.int32),
        ticks=ticks[keys],
        people=np.column_stack([starts[:-1], starts[1:]]),
        boxes=table[BOX].to_numpy()[rows],
        scores=scores.astype(np.float64),
        persons=table["person"].to_numpy()[rows],
        labels=labels,
        actions=actions,
    )


def keyframes_of(records: Iterable[AnnotatedKeyframe]) -> Keyframes:
    """Make `Keyframes` of single records, in the same order."""
    records = list(records)
    people = [record.people for record in records]
    actions = [ids for somebody in people for ids in somebody.actions]
    videos = dict.fromkeys((record.video, record.path) for record in records)
    number = {video: k for k, video in enumerate(videos)}
    ends = np.cumsum([0, *(len(somebody.boxes) for somebody in people)]).astype(np.int32)
    return Keyframes(
        names=[name for name, _ in number],
        paths=[path for _, path in number],
        videos=np.array([number[r.video, r.path] for r in records], np.int32),
        ticks=np.array([somebody.keyframe.tick for somebody in people], np.int64),
        people=np.column_stack([ends[:-1], ends[1:]]),
        boxes=np.concatenate([np.zeros((0, 4)), *(somebody.boxes for somebody in people)]),
        scores=np.concatenate([np.zeros(0), *(somebody.scores for somebody in people)]),
        persons=np.concatenate([np.zeros(0, np.int64), *(each.person_ids for each in people)]),
        labels=np.cumsum([0, *map(len, actions)]).astype(np.int32),
        actions=np.array([action for ids in actions for action in ids], np.int32),
    )


def join(parts: Sequence[Keyframes]) -> Keyframes:
    """Concatenate the keyframes of several data sets."""
    videos = np.cumsum([0, *(len(part.names) for part in parts)])
    people = np.cumsum([0, *(len(part.boxes) for part in parts)])
    labels = np.cumsum([0, *(len(part.actions) for part in parts)])
    shift = partial(zip, parts, strict=False)
    return Keyframes(
        names=[name for part in parts for name in part.names],
        paths=[path for part in parts for path in part.paths],
        videos=np.concatenate([part.videos + k for part, k in shift(videos)]).astype(np.int32),
        ticks=np.concatenate([part.ticks for part in parts]),
        people=np.concatenate([part.people + k for part, k in shift(people)]).astype(np.int32),
        boxes=np.concatenate([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        persons=np.concatenate([part.persons for part in parts]),
        labels=np.concatenate([[0], *(part.labels[1:] + k for part, k in shift(labels))]).astype(
            np.int32
        ),
        actions=np.concatenate([part.actions for part in parts]),
    )


def _in_order(codes: np.ndarray, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row (K,) of each keyframe, sorted, and the keyframe (N,) of each row."""
    order = np.lexsort((ticks, codes))  # stable
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(codes[order]) != 0) | (np.diff(ticks[order]) != 0)
    firsts = order[new]
    group = np.empty(len(order), np.int32)
    group[order] = np.cumsum(new) - 1
    rank = np.empty(len(firsts), np.int32)
    rank[np.argsort(firsts)] = np.arange(len(firsts))
    return np.sort(firsts), rank[group]


def _persons(table: pd.DataFrame, keyframes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row (R,) of each person and the person (N,) of each row.

    People are sorted by keyframe and row. The person of a row without a box is -1.
    """
    there = np.flatnonzero(table[BOX[0]].notna().to_numpy())
    keys = [keyframes, *(table[name].to_numpy() for name in BOX)]
    keys = [key[there] for key in keys] if len(there) < len(keyframes) else keys
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), bool)
    new[:1] = True
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    firsts = there[order[new]]
    rank = np.empty(len(firsts), np.int32)
    by_keyframe = np.lexsort((firsts, keyframes[firsts]))
    rank[by_keyframe] = np.arange(len(firsts))
    person_of = np.full(len(keyframes), -1, np.int32)
    person_of[there[order]] = rank[np.cumsum(new) - 1]
    return firsts[by_keyframe], person_of


def _labels(actions: np.ndarray, person_of: np.ndarray, people: int) -> tuple[np.ndarray, ...]:
    """Return the actions of all people in row order, and the index of each person's first one."""
    rows = np.flatnonzero((actions > 0) & (person_of >= 0)).astype(np.int32)
    pairs = (person_of[rows].astype(np.int64) << 32) + actions[rows]
    order = np.argsort(pairs, kind="stable").astype(np.int32)
    new = np.diff(pairs[order], prepend=-1) != 0
    del pairs
    rows = np.sort(rows[order[new]])  # the first of each person and action
    rows = rows[np.argsort(person_of[rows], kind="stable")]
    edges = np.searchsorted(person_of[rows], np.arange(people + 1))
    return actions[rows].astype(np.int32), edges.astype(np.int32)


def _spread(edges: np.ndarray, least: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate the ranges `edges` (N, 2), each at least `least` long; return them and owners."""
    counts = np.maximum(edges[:, 1] - edges[:, 0], least)
    owner = np.repeat(np.arange(len(edges)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(owner)) - before[owner] + edges[owner, 0], owner


def _at(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return rows of `values`; the result is arbitrary where a row is -1."""
    return values[rows] if len(values) else np.zeros((len(rows), *values.shape[1:]), values.dtype)
