"""A data set as somebody annotated it, before a loader leaves anything out: what is checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ava_det.formats.frame_sizes import Size
from ava_det.structures import Clock
from ava_det.video.frame_folders import FrameFolder


@dataclass(frozen=True)
class Pictures:
    """Where the pictures of a set lie, and what they should be.

    Attributes:
        source: a folder of videos, or frames.
        files: the video files, by every name that the set's reader knows one by; none for frames.
        clock: what a tick is.
        rate: frames a second that the videos should have; None: any.
        sizes: of the pictures that the boxes were drawn on, by video.
        videos: a folder of video files that the frames were taken from, to compare them with.
        whole: whether files are read through, as some loaders do, not their headers alone.
    """

    source: Path | FrameFolder
    files: Mapping[str, Path]
    clock: Clock
    rate: float | None = None
    sizes: Mapping[str, Size] = field(default_factory=dict)
    videos: Path | None = None
    whole: bool = False


@dataclass(frozen=True)
class Annotated:
    """Rows and pictures of a set that is not in AVA's form.

    Attributes:
        path: the file of the annotations.
        table: in the columns of `ava_csv`, boxes as annotated; the index is called "row" if it is
            the row of the file.
        pictures: where they lie.
        complete: whether there are no other keyframes, such as frames without people.
    """

    path: Path
    table: pd.DataFrame
    pictures: Pictures
    complete: bool = True
