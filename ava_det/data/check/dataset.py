"""Checks a data set: first the rows, then the pictures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ava_det.data.check.findings import ERROR, Findings
from ava_det.data.check.rows import NUMBERS, Rules, check_rows, check_table, place_of
from ava_det.data.check.videos import check_videos
from ava_det.data.sets.annotated import Pictures
from ava_det.data.sets.ava import (
    MILLISECONDS,
    AvaFiles,
    ClipFiles,
    between_clips,
    clips_of,
    countable,
    existing,
    in_milliseconds,
    on_clips,
)
from ava_det.data.sets.dataset import DataSet
from ava_det.formats.ava_csv import read_keyframes, read_timestamps
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.formats.frame_sizes import Size, read_sizes
from ava_det.structures import InputError
from ava_det.video.files import files_by_stem, video_files
from ava_det.video.frame_folders import FrameFolder


@dataclass(frozen=True)
class Expected:
    """The expected properties of the pictures of a set.

    Attributes:
        rate: The frames per second; None accepts any rate.
        sizes: The sizes of the pictures that the boxes were drawn on, by video.
        videos: A folder of the video files that the frames were taken from.
    """

    rate: float | None = None
    sizes: Mapping[str, Size] = field(default_factory=dict)
    videos: Path | None = None

    def of(self, pictures: Pictures) -> Pictures:
        """Return the pictures with these expectations."""
        sizes = {**pictures.sizes, **self.sizes}
        return replace(pictures, rate=self.rate, sizes=sizes, videos=self.videos)


class Checked(NamedTuple):
    """The rows of a set that could be read.

    Attributes:
        table: The rows, in the columns of `ava_det.formats.ava_csv`.
        counts: (N,) bool: whether a loader keeps the row.
    """

    table: pd.DataFrame
    counts: np.ndarray


def check_files(
    files: AvaFiles, expected: Expected, findings: Findings, classes: ClassMap | None = None
) -> Checked:
    """Check the rows and the pictures of an AVA-shaped set.

    Args:
        files: The files of the set. A class map of `Path()` means that the set has none.
        expected: The expected properties of the pictures.
        findings: The collection to add findings to.
        classes: The classes of the set; None reads the class map of `files`.
    """
    annotations = existing(files.annotations)
    if classes is None and files.class_map != Path():
        classes = read_class_map(existing(files.class_map))
    rules = Rules(
        class_map=classes,
        excluded=frozenset(read_keyframes(existing(files.excluded)) if files.excluded else ()),
        included=frozenset(read_timestamps(existing(files.included))) if files.included else None,
    )
    table = check_rows(annotations, rules, findings)
    source = files.pictures
    found = {} if isinstance(source, FrameFolder) else files.find(source)
    # The loader of a description reads files through, and AVA's leaves that to training.
    whole, sizes = files.find is video_files, read_sizes(files.sizes) if files.sizes else {}
    pictures = Pictures(source, found, files.clock, sizes=sizes, whole=whole)
    pictured = check_videos(annotations, table, expected.of(pictures), findings)
    return Checked(table, pictured & countable(table, files.excluded, files.included))


def check_registered(name: str, expected: Expected, findings: Findings) -> Checked:
    """Check a registered detection set from its files.

    Raises:
        InputError: The name is unknown, the set is for classification, or files are missing.
    """
    from ava_det.data.sets.catalog import get_dataset  # heavy; files are checked without it

    dataset = get_dataset(name)
    if dataset.parts:
        classes = dataset.class_map()
        checked = [_check_part(part, expected, findings, classes) for part in dataset.parts]
        return checked[0] if len(checked) == 1 else _joined(dataset.parts, checked)
    try:
        if dataset.annotated is None:
            return _check_records(dataset, expected, findings)
        annotated, rules = dataset.annotated(), Rules(dataset.class_map())
    except InputError as error:  # the readers stop at the first error
        findings.add("unreadable", name, str(error))
        return Checked(pd.DataFrame(columns=["video", *NUMBERS]), np.zeros(0, bool))
    table = annotated.table
    if table.empty:
        findings.add("empty", annotated.path, f"none of {name}")
    check_table(annotated.path, table, rules, findings)
    pictured = check_videos(annotated.path, table, expected.of(annotated.pictures), findings)
    checked = Checked(table, pictured)
    return checked if annotated.complete else _loaded(dataset, checked, findings)


def _check_part(
    part: AvaFiles | ClipFiles, expected: Expected, findings: Findings, classes: ClassMap
) -> Checked:
    if isinstance(part, AvaFiles):
        return check_files(part, expected, findings, classes)
    annotations, files = existing(part.annotations), files_by_stem(part.videos)
    rows = check_rows(annotations, Rules(classes), findings, per_second=1000)
    table = on_clips(rows, files)
    counts = ~between_clips(table, files)
    _check_clips(annotations, table[~counts], files, findings)
    pictures = Pictures(part.videos, files, MILLISECONDS)
    pictured = check_videos(annotations, table[counts], expected.of(pictures), findings)
    counts[counts] = pictured
    return Checked(table, counts)


def _check_clips(path: Path, apart: pd.DataFrame, files: Iterable[str], findings: Findings) -> None:
    """Add a finding for each keyframe that lies between the clips of its film."""
    keyframes, clips = apart.drop_duplicates(["video", "tick"]), clips_of(files)

    def example(place: int) -> tuple[int | None, str]:
        film, tick = keyframes["video"].iloc[place], keyframes["tick"].iloc[place]
        names = ", ".join(clip.name for clip in clips[film])
        return place_of(keyframes, place)[0], f"{film}: second {tick / 1000} is not in {names}"

    findings.add_many("no_clip", path, range(len(keyframes)), example)


def _joined(parts: Sequence[AvaFiles | ClipFiles], checked: list[Checked]) -> Checked:
    """Join the rows of all parts, in milliseconds."""
    tables = [
        table.assign(tick=in_milliseconds(table["tick"].to_numpy(), part.clock))
        if isinstance(part, AvaFiles)
        else table
        for part, (table, _) in zip(parts, checked, strict=True)
    ]
    whole = pd.concat([table.astype({"video": object}) for table in tables], ignore_index=True)
    counts = np.concatenate([part.counts for part in checked])
    return Checked(whole.astype({"video": "category"}), counts)


def _loaded(dataset: DataSet, otherwise: Checked, findings: Findings) -> Checked:
    """Return the rows of a set, with frames without people, if the set can be loaded."""
    try:
        table = dataset.ground_truth()
    except InputError as error:
        if not findings.count(ERROR):  # otherwise the reason is found already
            findings.add("unreadable", dataset.name, str(error))
        return otherwise
    return Checked(table, np.ones(len(table), bool))


def _check_records(dataset: DataSet, expected: Expected, findings: Findings) -> Checked:
    """Check a set of which only the records are known."""
    if dataset.load_keyframes is None:
        raise InputError("has no keyframes; a classification set is checked when it is prepared")
    keyframes, name = dataset.load_keyframes(), dataset.name
    table = keyframes.table()
    check_table(name, table, Rules(dataset.class_map()), findings)
    folders = dataset.frame_folders
    files = {} if folders else {record.video: Path(record.path) for record in keyframes}
    pictures = Pictures(folders[0] if folders else Path(name), files, dataset.clock)
    return Checked(table, check_videos(name, table, expected.of(pictures), findings))
