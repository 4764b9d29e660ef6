"""Whether a data set is what it should be: its rows, then its pictures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ava_det.data.ava import AvaFiles, existing
from ava_det.data.check_videos import Size, check_videos
from ava_det.formats.ava_csv import read_keyframes, read_timestamps
from ava_det.formats.check_rows import Rules, check_rows
from ava_det.formats.class_map import read_class_map
from ava_det.formats.findings import Findings


@dataclass(frozen=True)
class Expected:
    """What the pictures of a set should be.

    Attributes:
        rate: frames a second; None: any.
        sizes: of the pictures that the boxes were drawn on, by video.
        videos: a folder of video files: those that frames were taken from, or those of a set that
            does not say where they lie.
    """

    rate: float | None = None
    sizes: Mapping[str, Size] = field(default_factory=dict)
    videos: Path | None = None


def check_files(files: AvaFiles, expected: Expected, findings: Findings) -> pd.DataFrame:
    """Check the rows and the pictures of an AVA-shaped set.

    Args:
        files: the class map may be `Path()`, which is none.
        expected: what the pictures should be.
        findings: what is wrong is added here.

    Returns:
        The rows that can be read, in the columns of `ava_det.formats.ava_csv`.
    """
    annotations = existing(files.annotations)
    rules = Rules(
        class_map=None if files.class_map == Path() else read_class_map(existing(files.class_map)),
        excluded=frozenset(read_keyframes(existing(files.excluded)) if files.excluded else ()),
        included=frozenset(read_timestamps(files.included)) if files.included else None,
    )
    table = check_rows(annotations, rules, findings)
    more = {"rate": expected.rate, "sizes": expected.sizes, "videos": expected.videos}
    check_videos(annotations, table, files.pictures, files.clock, findings, **more)
    return table


def check_registered(name: str, expected: Expected, findings: Findings) -> pd.DataFrame:
    """Check a registered set, from its files where it is AVA-shaped; its rows.

    Raises:
        InputError: an unknown name, or files that are not there.
    """
    from detectron2.data import MetadataCatalog  # heavy; files alone are checked without it

    from ava_det.data import jhmdb
    from ava_det.data.build import get_ground_truth
    from ava_det.data.catalog import check_known, datasets_root

    metadata = MetadataCatalog.get(check_known(name))
    files = metadata.get("ava_files", None)
    if files is not None and files.clock == metadata.clock:
        return check_files(files, expected, findings)
    match = re.fullmatch(r"jhmdb_split(\d)_(\w+)", name)
    if match:
        root = datasets_root() / "jhmdb"
        table = jhmdb.annotated(root, int(match[1]), match[2])
        sizes = dict.fromkeys(table["video"].unique(), (jhmdb.WIDTH, jhmdb.HEIGHT))
        folder, path = root / "videos", root / "annotations.csv"
        check_videos(path, table, folder, metadata.clock, findings, expected.rate, sizes)
        return table
    table = get_ground_truth(name)
    if expected.videos:
        check_videos(name, table, expected.videos, metadata.clock, findings, expected.rate)
    return table
