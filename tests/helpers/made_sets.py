"""Make data sets of a test's records, and register them for the duration of a test."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from detectron2.data import DatasetCatalog, MetadataCatalog

from ava_det.data.sets.catalog import register
from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.keyframes import Keyframes, keyframes_of
from ava_det.data.sets.labelled_videos import LabelledVideos
from ava_det.formats.class_map import ClassMap
from ava_det.structures import FRAME_CLOCK, AnnotatedKeyframe, Clock, LabelledVideo


def of_keyframes(
    name: str,
    records: Iterable[AnnotatedKeyframe],
    classes: ClassMap,
    clock: Clock = FRAME_CLOCK,
    **more: Any,
) -> DataSet:
    """Make a detection set."""
    keyframes = records if isinstance(records, Keyframes) else keyframes_of(records)
    return DataSet(name, lambda: classes, clock, load_keyframes=lambda: keyframes, **more)


def of_videos(name: str, records: Iterable[LabelledVideo], classes: ClassMap) -> DataSet:
    """Make a classification set."""
    videos = LabelledVideos(list(records))
    return DataSet(name, lambda: classes, FRAME_CLOCK, load_videos=lambda: videos)


@contextmanager
def registered(*datasets: DataSet) -> Iterator[str]:
    """Register data sets within the block; yield the name of the first."""
    register(*datasets)
    try:
        yield datasets[0].name
    finally:
        forget(*(dataset.name for dataset in datasets))


def forget(*names: str) -> None:
    """Remove data sets from the catalogs."""
    for name in names:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)


def replace(*datasets: DataSet) -> None:
    """Register data sets, and replace existing ones with the same names."""
    forget(*(dataset.name for dataset in datasets if dataset.name in DatasetCatalog))
    register(*datasets)
