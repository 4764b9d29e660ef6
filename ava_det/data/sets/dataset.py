"""A data set: records, classes, a clock, and a reader of frames.

`ava_det.data.sets.catalog.get_dataset` makes a data set from a name.
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
    """A data set, which reads files only when they are needed.

    Attributes:
        name: The name, which messages show too.
        load_classes: Reads the classes.
        clock: Converts ticks to seconds.
        load_keyframes: Reads the records of a detection set.
        load_videos: Reads the records of a classification set.
        load_evaluated: Reads the classes that are evaluated; None: all classes.
        frame_folders: The JPEG frames of the videos; empty if the videos are video files.
        countable: Takes a table of AVA rows and returns (N,) bool, which is False for rows whose
            keyframe the data set excludes; None: no keyframe is excluded.
        parts: The files of a data set with AVA's layout, for a check.
        annotated: Reads all rows of another detection set, before any is dropped, for a check.
        members: The data sets that this one joins.
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
        """Return the records of a detection set.

        Args:
            every: Keep every `every`-th record, for a quick test.

        Raises:
            InputError: This is a classification set, the set is empty, or an action is not in the
                class map.
        """
        if self.load_keyframes is None:
            raise InputError(f"{self.name}: has no keyframes with boxes")
        records = self.load_keyframes()
        if not len(records):
            raise InputError(f"{self.name}: is empty")
        if not self.members:  # members check their own rows
            _require_known(records, self.class_map(), self.name)
        return records[::every]

    def videos(self, every: int = 1) -> LabelledVideos:
        """Return the records of a classification set.

        Args:
            every: Keep every `every`-th record, for a quick test.

        Raises:
            InputError: This is a detection set, or the set is empty.
        """
        if self.load_videos is None:
            raise InputError(f"{self.name}: has keyframes, not videos of one label each")
        records = self.load_videos()
        if not len(records):
            raise InputError(f"{self.name}: is empty")
        return records[::every]

    def ground_truth(self, every: int = 1) -> pd.DataFrame:
        """Return the `keyframes` as a table of AVA rows."""
        return self.keyframes(every).table()

    def class_map(self) -> ClassMap:
        """Return the classes.

        Raises:
            InputError: The list of classes cannot be read, or two members have different classes.
        """
        return self.load_classes()

    def evaluated_classes(self) -> ClassMap:
        """Return the classes that are evaluated, such as 60 of AVA's 80."""
        return self.load_evaluated() if self.load_evaluated else self.class_map()

    def reader(self, short_side: int | None = None, threads: int = 1) -> FrameReader:
        """Return a reader of the frames, for video files or JPEG files.

        Args:
            short_side: See `ava_det.video.video.Video`.
            threads: See `ava_det.video.video.Video`.
        """
        files = VideoReader(short_side, threads)
        if not self.frame_folders:
            return files
        return FrameFolderReader(self.frame_folders, files, short_side)


def clock_of(dataset: DataSet) -> Clock:
    """Return the clock of a data set; configs need a function for it."""
    return dataset.clock


def join_datasets(members: Sequence[DataSet]) -> DataSet:
    """Join several data sets to one; the evaluated classes are those of the first.

    Different classes are an error only when the classes are used, because a person detector needs
    no classes.

    Raises:
        InputError: Two data sets have different clocks.
    """
    first, *others = members
    if not others:
        return first
    for other in others:
        if other.clock != first.clock:
            raise InputError(f"{other.name}: the ticks differ from those of {first.name}")
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
            raise InputError(f"{other.name}: the classes differ from those of {first.name}")
    return classes


def _countable_in_all(members: Sequence[DataSet], table: pd.DataFrame) -> np.ndarray:
    counts = np.ones(len(table), bool)
    for member in members:
        if member.countable is not None:
            counts[counts] = member.countable(table[counts])
    return counts


def _require_known(keyframes: Keyframes, classes: ClassMap, name: str) -> None:
    """Require that all actions are in the class map; the message names the first other one."""
    owner, actions = keyframes.occurrences()
    unknown = np.flatnonzero(~np.isin(actions, classes.ids))
    if len(unknown):
        keyframe = keyframes[int(owner[unknown[0]])].people.keyframe
        raise InputError(
            f"{name}: {keyframe.video}, tick {keyframe.tick}: action {actions[unknown[0]]} is not "
            "in the class map"
        )
