"""The built-in data sets in detectron2's catalogs, and those that a file describes.

`$DETECTRON2_DATASETS` says where they lie (default: `datasets`), as for detectron2's own.
`DatasetCatalog.get(name)` gives `AnnotatedKeyframe`s, or `LabelledVideo`s where the name has
`clips` in it or the set is one of `ava_det.data.sets.recognition_sets`.
`MetadataCatalog.get(name)` has `clock` and `class_map`, or `load_class_map` where the names of the
classes lie with the data. For checks, an AVA-shaped set has its `parts`, and another detection set
`annotated`.
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from detectron2.data import DatasetCatalog, MetadataCatalog

from ava_det.data.sets import actors, ava, custom, jhmdb, multisports, recognition_sets, ucf24
from ava_det.data.sets.description import SUFFIX
from ava_det.formats.class_map import ClassMap
from ava_det.formats.nearest import meant
from ava_det.structures import FRAME_CLOCK, Clock, InputError
from ava_det.video.frame_folders import folders_of


def datasets_root() -> Path:
    """The folder that the data sets lie in."""
    return Path(os.environ.get("DETECTRON2_DATASETS", "datasets"))


def register_jhmdb(root: Path) -> None:
    """Register `jhmdb_split1_train`, `jhmdb_clips_split1_train` and so on, below `root`."""
    frames = folders_of(jhmdb.pictures(root))
    for split in (1, 2, 3):
        for subset in ("train", "test"):
            for kind, load in (("", jhmdb.load_keyframes), ("clips_", jhmdb.load_videos)):
                name = f"jhmdb_{kind}split{split}_{subset}"
                DatasetCatalog.register(name, partial(load, root, split, subset))
                MetadataCatalog.get(name).set(
                    class_map=jhmdb.CLASS_MAP, clock=FRAME_CLOCK, frame_folders=frames
                )
            annotated = partial(jhmdb.annotated, root, split, subset)
            MetadataCatalog.get(f"jhmdb_split{split}_{subset}").set(annotated=annotated)


def register_ucf24(root: Path) -> None:
    """Register `ucf24_train`, `ucf24_test` and `ucf24_csv`, below `root`."""
    sets = {
        subset: (
            partial(ucf24.load_split, root, subset),
            partial(ucf24.annotated_split, root, subset),
        )
        for subset in ("train", "test")
    }
    sets["csv"] = partial(ucf24.load_csv, root), partial(ucf24.annotated_csv, root)
    for subset, (load, annotated) in sets.items():
        name = f"ucf24_{subset}"
        DatasetCatalog.register(name, load)
        MetadataCatalog.get(name).set(
            class_map=ucf24.CLASS_MAP,
            clock=FRAME_CLOCK,
            annotated=annotated,
            frame_folders=folders_of(ucf24.pictures(root)),
        )


def register_multisports(root: Path) -> None:
    """Register `multisports_train` and `multisports_test`, below `root`.

    Their classes stand in the annotations, which are read when they are asked for.
    """
    load = partial(multisports.class_map, root)
    for subset in ("train", "test"):
        name = f"multisports_{subset}"
        DatasetCatalog.register(name, partial(multisports.load_split, root, subset))
        annotated = partial(multisports.annotated, root, subset)
        MetadataCatalog.get(name).set(
            load_class_map=load,
            load_evaluated=lambda: multisports.evaluated_classes(load()),
            clock=FRAME_CLOCK,
            annotated=annotated,
        )


def register_all() -> None:
    """Register the built-in data sets, once."""
    if "jhmdb_split1_train" not in DatasetCatalog:
        register_jhmdb(datasets_root() / "jhmdb")
        register_ucf24(datasets_root() / "ucf24")
        register_multisports(datasets_root() / "multisports")
        for name in ("actors", "actors_biased"):
            actors.register(datasets_root() / name, name)
        ava.register_built_in(datasets_root())
        recognition_sets.register(datasets_root())


def check_known(name: str) -> str:
    """The name itself, if a data set is registered under it or it is the path of a description
    (`ava_det.data.sets.description`) or of a list of videos.

    Raises:
        InputError: an unknown name; the known ones are listed.
    """
    register_all()
    if name in DatasetCatalog:
        return name
    if name.endswith(SUFFIX):
        custom.register(name)
        return name
    if Path(name).is_file():
        recognition_sets.register_list(name)
        return name
    # detectron2 has data sets of its own in there, which have no clock.
    ours = [n for n in sorted(DatasetCatalog) if hasattr(MetadataCatalog.get(n), "clock")]
    known = ", ".join([*ours, "any description (.toml) or list of videos"])
    raise InputError(f"unknown data set {name!r}{meant(name, ours)}; known: {known}")


def class_map_of(name: str) -> ClassMap:
    """The classes of a registered data set."""
    metadata = MetadataCatalog.get(name)
    load = metadata.get("load_class_map", None)
    return load() if load else metadata.class_map


def common_clock(names: Sequence[str]) -> Clock:
    """What a tick of all these data sets is.

    Raises:
        InputError: an unknown data set, or two that disagree.
    """
    clocks = [MetadataCatalog.get(check_known(name)).clock for name in names]
    for name, clock in zip(names, clocks, strict=True):
        if clock != clocks[0]:
            raise InputError(f"{name}: its ticks are not those of {names[0]}")
    return clocks[0]
