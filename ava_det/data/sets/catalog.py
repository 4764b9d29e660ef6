"""Find data sets by name: the built-in ones, and those that a file describes.

As in detectron2, `$DETECTRON2_DATASETS` is the folder of the data sets (default: `datasets`).
`get_dataset(name)` returns a `DataSet`. detectron2's catalogs have the registered data sets too:
`MetadataCatalog.get(name).dataset` is the `DataSet`, `DatasetCatalog.get(name)` the records. A
description needs no detectron2.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from ava_det.data.sets import actors, ava, custom, jhmdb, multisports, recognition_sets, ucf24
from ava_det.data.sets.dataset import DataSet, join_datasets
from ava_det.data.sets.description import SUFFIX
from ava_det.formats.nearest import meant
from ava_det.structures import InputError


def datasets_root() -> Path:
    """Return the folder of the data sets."""
    return Path(os.environ.get("DETECTRON2_DATASETS", "datasets"))


def register(*datasets: DataSet) -> None:
    """Add data sets to detectron2's catalogs under their names."""
    from detectron2.data import DatasetCatalog, MetadataCatalog

    for dataset in datasets:
        DatasetCatalog.register(dataset.name, dataset.load_keyframes or dataset.load_videos)
        MetadataCatalog.get(dataset.name).set(dataset=dataset)


def register_all() -> None:
    """Register the built-in data sets, once."""
    from detectron2.data import DatasetCatalog

    if "jhmdb_split1_train" in DatasetCatalog:
        return
    root = datasets_root()
    register(*jhmdb.datasets(root / "jhmdb"), *ucf24.datasets(root / "ucf24"))
    register(*multisports.datasets(root / "multisports"))
    for name in ("actors", "actors_biased"):
        register(*actors.datasets(root / name, name))
    register(*ava.datasets(root), *recognition_sets.datasets(root))


def get_dataset(names: str | Sequence[str]) -> DataSet:
    """Return a data set, or several data sets joined to one.

    Args:
        names: One or several names. A name is that of a registered set, the path of a description
            (`ava_det.data.sets.description`), or the path of a list of videos.

    Raises:
        InputError: A name is unknown (the message lists the known names), or the data sets cannot
            be joined (`join_datasets`).
    """
    if isinstance(names, str):
        return _get(names)
    return join_datasets([_get(name) for name in names])


def _get(name: str) -> DataSet:
    if name.endswith(SUFFIX):
        return custom.dataset(name)
    from detectron2.data import DatasetCatalog

    dataset = _registered(name)
    if dataset is None:
        register_all()
        if _registered(name) is None and Path(name).is_file():
            register(recognition_sets.dataset(name, Path(name)))
    dataset = _registered(name)
    if dataset is None:
        # The catalog also has detectron2's own data sets.
        ours = [known for known in sorted(DatasetCatalog) if _registered(known)]
        known = ", ".join([*ours, "any description (.toml) or list of videos"])
        raise InputError(f"unknown data set {name!r}{meant(name, ours)}; known: {known}")
    return dataset


def _registered(name: str) -> DataSet | None:
    from detectron2.data import DatasetCatalog, MetadataCatalog

    return MetadataCatalog.get(name).get("dataset") if name in DatasetCatalog else None
