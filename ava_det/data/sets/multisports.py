"""MultiSports: 66 fine-grained actions of several people in four sports, with tubes.

The files (`datasets/README.md`) are `multisports_GT.pkl` and video files `NAME.*` at any depth
below `videos/`. A tick is a frame, at the presentation time of the frame.
"""

import logging
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

from ava_det.data.sets.annotated import Annotated
from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.keyframes import Keyframes, keyframes_of
from ava_det.data.sets.tubes import annotated_tubes, files_of, path_of, tube_keyframes
from ava_det.formats.class_map import ClassMap
from ava_det.formats.tube_pickle import TubeAnnotations, read_tube_pickle
from ava_det.structures import FRAME_CLOCK, AnnotatedKeyframe
from ava_det.video.video import VideoReader

PICKLE = "multisports_GT.pkl"
# `evaluate_multisports.py` leaves out these classes, which have too few instances.
NOT_EVALUATED = frozenset(
    {
        "aerobic kick jump",
        "aerobic off axis jump",
        "aerobic butterfly jump",
        "aerobic balance turn",
        "basketball save",
        "basketball jump ball",
    }
)

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def read_annotations(root: Path) -> TubeAnnotations:
    """Read the annotations, which hold both subsets and the class map."""
    return read_tube_pickle(root / PICKLE)


def class_map(root: Path) -> ClassMap:
    """Return all classes, in the order of the file; the group of a class is the sport."""
    names = dict(enumerate(read_annotations(root).labels, start=1))
    return ClassMap(names, {i: name.split()[0] for i, name in names.items()})


def evaluated_classes(classes: ClassMap) -> ClassMap:
    """Return the classes that MultiSports' own evaluator uses."""
    kept = {i: name for i, name in classes.names.items() if name not in NOT_EVALUATED}
    return ClassMap(kept, {i: classes.groups[i] for i in kept if i in classes.groups})


def datasets(root: Path) -> Iterator[DataSet]:
    """Yield the sets `multisports_train` and `multisports_test`, below `root`."""
    for subset in ("train", "test"):
        yield DataSet(
            f"multisports_{subset}",
            partial(class_map, root),
            FRAME_CLOCK,
            load_keyframes=partial(load_split, root, subset),
            load_evaluated=lambda: evaluated_classes(class_map(root)),
            annotated=partial(annotated, root, subset),
        )


def load_split(root: Path, subset: str) -> Keyframes:
    """Read the keyframes.

    Args:
        root: The folder of the files above.
        subset: "train" reads the annotated frames; "test" reads all frames, because a detection on
            a frame without actions is a false positive.
    """
    annotations = read_annotations(root)
    files, reader = files_of(root / "videos"), VideoReader()
    items: list[AnnotatedKeyframe] = []
    for video in annotations.splits[subset][0]:
        path = path_of(files, root / "videos", video)
        frames = len(reader.times(path))
        if frames < annotations.frames[video]:
            logger.warning("%s has %d of %d frames", video, frames, annotations.frames[video])
        tubes, size = annotations.tubes[video], annotations.size[video]
        items += tube_keyframes(path, video, tubes, size, frames, keep_empty=subset == "test")
    return keyframes_of(items)


def annotated(root: Path, subset: str) -> Annotated:
    """Read all annotations of `load_split`, before anything is left out."""
    found = read_annotations(root)
    tubes = {video: found.tubes[video] for video in found.splits[subset][0]}
    return annotated_tubes(root / PICKLE, root / "videos", tubes, found.size, subset == "test")
