"""What a data set is: its records, its classes, what a tick of it is, and how its frames are read.

A set that has a name is made by `ava_det.data.sets.catalog.get_dataset`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ava_det.data.sets.keyframes import Keyframes, join
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.formats.class_map import ClassMap
from ava_det.structures import Clock, InputError
from ava_det.video.frame_folders import FrameFolder, FrameFolderReader
from ava_det.video.video import FrameReader, VideoReader

if TYPE_CHECKING:
    from ava_det.data.sets.annotated import Annotated
    from ava_det.data.sets.ava import AvaFiles, ClipFiles


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set. Nothing is read until it is asked for.

    Attributes:
        name: what it is called, in messages too.
        load_classes: reads its classes.
        clock: what a tick is.
        load_keyframes: reads the records of a detection set.
        load_videos: reads the records of a classification set.
        load_evaluated: reads those of its classes that count in an evaluation; None: all do.
        frame_folders: the JPEG frames of its videos; empty where they are video files.
        countable: from a table of AVA rows to (N,) bool: those whose keyframe the set neither
            excludes nor leaves out; None: all of them.
        parts: the files of an AVA-shaped set, for a check.
        annotated: reads the rows of another detection set before any is left out, for a check.
        members: the data sets that this one joins.
    """

    name: str
    load_classes: Callable[[], ClassMap]
    clock: Clock
    load_keyframes: Callable[[], Keyframes] | None = None
    load_videos: Callable[[], LabelledVideos] | None = None
    load_evaluated: Callable[[], ClassMap] | None = None
    frame_folders: Sequence[FrameFolder] = ()
    countable: Callable[[pd.DataFrame], np.ndarray] | None = None
    parts: "Sequence[AvaFiles | ClipFiles]" = ()
    annotated: "Callable[[], Annotated] | None" = None
    members: "Sequence[DataSet]" = ()

    def keyframes(self, every: int = 1) -> Keyframes:
        """The records of a detection set.

        Args:
            every: keep one in so many, for a quick look.

        Raises:
            InputError: it is a classification set; there is none; an action that is no class.
        """
        if self.load_keyframes is None:
            raise InputError(f"{self.name}: has no keyframes with boxes")
        records = self.load_keyframes()
        if not len(records):
            raise InputError(f"{self.name}: nothing in it")
        if not self.members:  # each of them looks at its own rows
            _require_known(records, self.class_map(), self.name)
        return records[::every]

    def videos(self, every: int = 1) -> LabelledVideos:
        """The records of a classification set.

        Args:
            every: keep one in so many, for a quick look.

        Raises:
            InputError: it is a detection set, or there is none.
        """
        if self.load_videos is None:
            raise InputError(f"{self.name}: has keyframes, not videos of one label each")
        records = self.load_videos()
        if not len(records):
            raise InputError(f"{self.name}: nothing in it")
        return records[::every]

    def ground_truth(self, every: int = 1) -> pd.DataFrame:
        """The `keyframes` as a table of AVA rows."""
        return self.keyframes(every).table()

    def class_map(self) -> ClassMap:
        """The classes.

        Raises:
            InputError: their list cannot be read; or two members have different classes.
        """
        return self.load_classes()

    def evaluated_classes(self) -> ClassMap:
        """The classes that count in an evaluation: of AVA's 80, say, 60."""
        return self.load_evaluated() if self.load_evaluated else self.class_map()

    def reader(self, short_side: int | None = None, threads: int = 1) -> FrameReader:
        """What reads the frames, be they in video files or JPEG files.

        Args:
            short_side: as in `ava_det.video.video.Video`.
            threads: likewise.
        """
        files = VideoReader(short_side, threads)
        if not self.frame_folders:
            return files
        return FrameFolderReader(self.frame_folders, files, short_side)


def clock_of(dataset: DataSet) -> Clock:
    """What a tick of a data set is; for a config, which calls functions alone."""
    return dataset.clock


def join_datasets(members: Sequence[DataSet]) -> DataSet:
    """Several data sets as one, whose evaluated classes are those of the first.

    Raises:
        InputError: two have different clocks. That they have different classes is an error once
            the classes are asked for: a detector of people needs none.
    """
    first, *others = members
    if not others:
        return first
    for other in others:
        if other.clock != first.clock:
            raise InputError(f"{other.name}: its ticks are not those of {first.name}")
    return DataSet(
        name=", ".join(member.name for member in members),
        load_classes=partial(_common_classes, members),
        clock=first.clock,
        load_keyframes=partial(_all_keyframes, members) if first.load_keyframes else None,
        load_videos=partial(_all_videos, members) if first.load_videos else None,
        load_evaluated=first.evaluated_classes,
        frame_folders=[folder for member in members for folder in member.frame_folders],
        countable=partial(_countable_in_all, members),
        members=members,
    )


def _all_keyframes(members: Sequence[DataSet]) -> Keyframes:
    return join([member.keyframes() for member in members])


def _all_videos(members: Sequence[DataSet]) -> LabelledVideos:
    return LabelledVideos([video for member in members for video in member.videos()])


def _common_classes(members: Sequence[DataSet]) -> ClassMap:
    first, *others = members
    classes = first.class_map()
    for other in others:
        if other.class_map() != classes:
            raise InputError(f"{other.name}: its classes are not those of {first.name}")
    return classes


def _countable_in_all(members: Sequence[DataSet], table: pd.DataFrame) -> np.ndarray:
    counts = np.ones(len(table), bool)
    for member in members:
        if member.countable is not None:
            counts[counts] = member.countable(table[counts])
    return counts


def _require_known(keyframes: Keyframes, classes: ClassMap, name: str) -> None:
    """Refuse an action that is not in the class map, and name the first."""
    owner, actions = keyframes.occurrences()
    unknown = np.flatnonzero(~np.isin(actions, classes.ids))
    if len(unknown):
        keyframe = keyframes[int(owner[unknown[0]])].people.keyframe
        raise InputError(
            f"{name}: {keyframe.video}, tick {keyframe.tick}: action {actions[unknown[0]]} is not "
            "in the class map"
        )
