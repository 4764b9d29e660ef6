"""Load a data set that a file describes (`ava_det.data.sets.description`)."""

import logging
import os
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ava_det.data.sets import ava
from ava_det.data.sets.annotated import Annotated, Pictures
from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.description import Description, read_description
from ava_det.data.sets.exclusions import countable
from ava_det.data.sets.keyframes import Keyframes, pack
from ava_det.formats.ava_csv import table_of
from ava_det.formats.class_map import ClassMap, read_class_map
from ava_det.formats.nearest import meant
from ava_det.structures import InputError, Keyframe, PersonBoxes
from ava_det.video.facts import Facts, file_facts, list_facts, require_whole
from ava_det.video.files import video_files
from ava_det.video.frame_folders import FrameFolder, folders_of, pictures_of

logger = logging.getLogger(__name__)


def dataset(name: str) -> DataSet:
    """Return the data set that the file `name` describes; the path is the name of the data set.

    Raises:
        InputError: The file cannot be read, or is not a valid description.
    """
    description = read_description(Path(name))
    classes = ClassMap({1: "person"})
    if description.class_map:
        classes = read_class_map(description.class_map)
    evaluated = classes
    if description.evaluated:
        evaluated = read_class_map(description.evaluated)
        others = set(evaluated.names.items()) - set(classes.names.items())
        if others:
            number, action = min(others)
            raise InputError(
                f"{description.evaluated}: class {number}, {action!r}, is none of "
                f"{description.class_map}{meant(action, classes.names.values())}"
            )
    files = description.files()
    return DataSet(
        name,
        lambda: classes,
        description.clock,
        load_keyframes=partial(load_keyframes, description),
        load_evaluated=lambda: evaluated,
        frame_folders=folders_of(description.pictures),
        countable=partial(_countable, description),
        parts=(files,) if files else (),
        annotated=None if files else partial(every_video, description),
    )


def load_keyframes(description: Description) -> Keyframes:
    """Read the keyframes of a described data set, grouped by video.

    Missing or broken videos are left out, and so are keyframes outside of the video. A warning
    counts both.

    Raises:
        InputError: A row is malformed, or no keyframe is left.
    """
    files = description.files()
    if files is not None:
        keyframes = ava.load_keyframes(files)
        here = np.unique(keyframes.videos).tolist()
        paths = {keyframes.names[k]: keyframes.paths[k] for k in here}
        return _within(description, keyframes, *_facts(description, paths))
    paths = pictures_of(description.pictures, video_files)
    facts, broken = _facts(description, paths)
    ticks: dict[str, np.ndarray] = {}
    for name, found in list(facts.items()):
        try:
            ticks[name] = found.ticks(description.clock)
        except ValueError as error:
            del facts[name]
            broken[name] = f"{paths[name]}: {error}; without a rate a tick is a frame"
    everything = [
        PersonBoxes.nobody(Keyframe(name, tick)) for name in ticks for tick in ticks[name].tolist()
    ]
    _say(description.path, _without(facts, broken), len(everything))
    return pack(table_of(everything), paths)


def every_video(description: Description) -> Annotated:
    """List all videos of a data set without annotations, for a check; each has one tick."""
    paths = pictures_of(description.pictures, video_files)
    rows = table_of(PersonBoxes.nobody(Keyframe(name, description.clock.start)) for name in paths)
    frames = isinstance(description.pictures, FrameFolder)
    files = {} if frames else {name: Path(path) for name, path in paths.items()}
    pictures = Pictures(description.pictures, files, description.clock, whole=True)
    return Annotated(description.path, rows, pictures, complete=False)


def _facts(
    description: Description, paths: Mapping[str, str]
) -> tuple[dict[str, Facts], dict[str, str]]:
    """Return the facts of all readable videos, and the problems of the others, both by name.

    Truncated videos count as unreadable: a clip near the end needs missing frames and would abort
    training.
    """
    source = description.pictures
    if isinstance(source, FrameFolder):
        lists = source.videos()
        return {name: list_facts(lists[name], source.rate) for name in paths}, {}
    facts, broken = {}, {}
    for name, path in tqdm(paths.items(), "reading", unit="video", leave=False, disable=None):
        try:
            facts[name] = _facts_of_file(path, os.stat(path).st_mtime_ns)
        except InputError as error:
            broken[name] = str(error)
    return facts, broken


@lru_cache(maxsize=1 << 16)
def _facts_of_file(path: str, _: int) -> Facts:
    """Return the facts of a video file, cached by path and modification time."""
    return require_whole(Path(path), file_facts(Path(path)))


def _within(
    description: Description,
    keyframes: Keyframes,
    facts: Mapping[str, Facts],
    broken: Mapping[str, str],
) -> Keyframes:
    """Return the keyframes within a readable video; warn about the others."""
    order = np.argsort(keyframes.videos, kind="stable")
    kept, outside, first = [np.zeros(0, np.int64)], 0, ""
    for part in np.split(order, np.flatnonzero(np.diff(keyframes.videos[order])) + 1):
        name = keyframes.names[keyframes.videos[part[0]]]
        if name in broken:
            continue
        beyond = facts[name].outside(keyframes.ticks[part], description.clock)
        if beyond.any():
            path = keyframes.paths[keyframes.videos[part[0]]]
            first = first or f"tick {keyframes.ticks[part][beyond][0]} is outside {path}"
            outside += int(beyond.sum())
        kept.append(part[~beyond])
    chosen = np.concatenate(kept)
    left_out = _without(facts, broken)
    if outside:
        left_out.append(f"{outside} of {len(keyframes)} keyframes ({first})")
    _say(description.annotations or description.path, left_out, len(chosen))
    return keyframes.select(chosen)


def _countable(description: Description, table: pd.DataFrame) -> np.ndarray:
    """Return (N,) bool: rows whose keyframe counts and has a frame; rows of other videos count."""
    files = description.files()
    counts = np.ones(len(table), bool)
    if files:
        counts = countable(table, files.excluded, files.included)
    paths = pictures_of(description.pictures, video_files)
    rows = {
        name: rows
        for name, rows in table.groupby("video", observed=True).indices.items()
        if name in paths
    }
    facts, broken = _facts(description, {name: paths[name] for name in rows})
    for name in broken:
        counts[rows[name]] = False
    for name, found in facts.items():
        ticks = table["tick"].to_numpy()[rows[name]]
        counts[rows[name]] &= ~found.outside(ticks, description.clock)
    return counts


def _without(facts: Mapping[str, Facts], broken: Mapping[str, str]) -> list[str]:
    """Describe the videos that are left out; [] if no video is."""
    if not broken:
        return []
    return [f"{len(broken)} of {len(facts) + len(broken)} videos ({next(iter(broken.values()))})"]


def _say(where: Path, left_out: list[str], left: int) -> None:
    """Warn in one line what is left out; raise `InputError` if no keyframe is left."""
    if not left:
        raise InputError(f"{where}: no keyframe is left; left out: {', '.join(left_out)}")
    if left_out:
        logger.warning("%s: left out: %s", where, ", ".join(left_out))
