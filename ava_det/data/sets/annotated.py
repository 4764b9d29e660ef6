"""The original annotations of a data set, before a loader drops anything, for `ava-det check`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ava_det.formats.frame_sizes import Size
from ava_det.structures import Clock
from ava_det.video.frame_folders import FrameFolder


@dataclass(frozen=True)
class Pictures:
    """The place of the videos or frames of a data set, and their expected properties.

    Attributes:
        source: A folder of videos, or frames.
        files: The video files, by every name that the data set uses for a file; empty for frames.
        clock: Converts ticks to seconds.
        rate: The expected frame rate of the videos; None: any.
        sizes: The sizes of the pictures on which the boxes were drawn, by video.
        videos: A folder of the video files that the frames were taken from, to compare the frames
            with the videos.
        whole: Read whole files, as some loaders do, instead of only the headers.
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
    """Rows and pictures of a data set that does not have AVA's layout.

    Attributes:
        path: The file of the annotations.
        table: The original boxes, in the columns of `ava_csv`. The index is named "row" if it
            holds row numbers of the file.
        pictures: The videos or frames.
        complete: Whether the table has all keyframes: False if frames without people are keyframes
            too.
    """

    path: Path
    table: pd.DataFrame
    pictures: Pictures
    complete: bool = True
