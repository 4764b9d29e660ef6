"""Checks that the pictures of a data set fit the annotations."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ava_det.data.check.findings import Findings
from ava_det.data.check.rows import place_of
from ava_det.data.sets.annotated import Pictures
from ava_det.formats.frame_lists import FrameList
from ava_det.formats.frame_sizes import Size, misfit
from ava_det.structures import Clock, InputError
from ava_det.video.facts import (
    Facts,
    file_facts,
    header_facts,
    list_facts,
    require_whole,
)
from ava_det.video.files import files_by_stem
from ava_det.video.frame_folders import FrameFolder
from ava_det.video.picture_files import read_picture

RATE_TOLERANCE = 0.005
LONGER = 1.5, 60.0  # times, and seconds more, than what the keyframes need


def frame_facts(
    name: str, frames: FrameList, source: FrameFolder, findings: Findings
) -> Facts | None:
    """Return the facts of a video of extracted frames, and add findings about the frames."""
    folders: dict[Path, set[str]] = {}
    missing = []
    for k in range(len(frames)):
        path = source.folder / frames[k]
        if path.parent not in folders:
            exists = path.parent.is_dir()
            folders[path.parent] = set(os.listdir(path.parent)) if exists else set()
        if path.name not in folders[path.parent]:
            missing.append(k)
    where = source.origin
    findings.add_many("missing_frame", where, missing, lambda k: (None, f"{name}: {frames[k]}"))
    gone = set(missing)
    some = [k for k in (0, len(frames) // 2, len(frames) - 1) if k not in gone]
    sizes = {k: picture_size(source.folder / frames[k]) for k in some}
    broken = [k for k, size in sizes.items() if size is None]
    findings.add_many("missing_frame", where, broken, lambda k: (None, f"{frames[k]}: broken"))
    known = [size for size in sizes.values() if size is not None]
    if len(set(known)) > 1:
        sides = " and ".join(f"{w} x {h}" for w, h in dict.fromkeys(known))
        findings.add("frame_size", where, f"{name}: {sides}")
    if not known:
        return None
    return list_facts(frames, source.rate, known[0])


def picture_size(path: Path) -> Size | None:
    """Return the width and height of an image file; None if it cannot be read."""
    try:
        height, width, _ = read_picture(path).shape
    except InputError:
        return None
    return width, height


def check_videos(
    path: Path | str, table: pd.DataFrame, pictures: Pictures, findings: Findings
) -> np.ndarray:
    """Check the pictures of every annotated video.

    Args:
        path: The file of the annotations, for messages.
        table: The annotations, in the columns of `ava_csv`. `rows.place_of` explains the index.
        pictures: The place of the pictures.
        findings: The collection to add findings to.

    Returns:
        (N,) bool: whether a loader keeps the row. It keeps a row if the video exists and, if files
        are read through or ticks are frames, the keyframe lies in a readable video.
    """
    source, rate = pictures.source, pictures.rate
    sizes = {name: [size] for name, size in pictures.sizes.items()}
    groups = table.groupby("video", observed=True).indices
    places = {str(name): where for name, where in groups.items()}
    annotated = {name: table.iloc[where] for name, where in places.items()}
    lists = source.videos() if isinstance(source, FrameFolder) else {}
    files = {name: str(file) for name, file in pictures.files.items()}
    there = {name: name for name in lists} | files
    _missing(path, annotated, there, source, findings)
    kept = table["video"].isin(there.keys()).to_numpy(copy=True)
    looked_into = pictures.whole or pictures.clock.rate is None
    others = files_by_stem(pictures.videos) if pictures.videos and lists else {}
    for name in tqdm([n for n in annotated if n in there], unit="video", leave=False, disable=None):
        rows = annotated[name]
        try:
            if isinstance(source, FrameFolder):
                facts = frame_facts(name, lists[name], source, findings)
                if name in others and name not in sizes:
                    film = header_facts(others[name])
                    sizes[name] = [s for s in dict.fromkeys([film.size, film.displayed]) if s]
            else:
                facts = _facts(pictures, name)
        except InputError as error:
            findings.add("broken_video", path, str(error), place_of(rows, 0)[0])
            kept[places[name]] &= not looked_into
            continue
        if facts is not None:
            outside = _check_times(path, name, rows, facts, pictures.clock, findings)
            kept[places[name][outside]] &= not looked_into
            if rate is not None and abs(facts.rate / rate - 1) > RATE_TOLERANCE:
                findings.add("rate", path, f"{name}: {facts.rate:.3f}, not {rate:g} a second")
            if name in sizes:
                _check_size(path, name, facts, sizes[name], findings)
    return kept


def _facts(pictures: Pictures, name: str) -> Facts:
    path = pictures.files[name]
    if pictures.whole:
        return require_whole(path, file_facts(path))
    return require_whole(path, header_facts(path, count=pictures.clock.rate is None))


def _missing(
    path: Path | str,
    annotated: Mapping[str, pd.DataFrame],
    there: Mapping[str, str],
    source: Path | FrameFolder,
    findings: Findings,
) -> None:
    """Add findings for annotated videos without a file, and for files without annotations."""
    folder = source.folder if isinstance(source, FrameFolder) else source
    lacking = [name for name in annotated if name not in there]
    same = {_bare(name): name for name in there}

    def meant(name: str) -> str:
        return f": is {same[_bare(name)]!r} meant?" if _bare(name) in same else ""

    def example(place: int) -> tuple[int | None, str]:
        name = lacking[place]
        return place_of(annotated[name], 0)[0], name + meant(name)

    if annotated and len(lacking) == len(annotated):
        what = f"{folder}: {lacking[0]!r} is not there, nor is another{meant(lacking[0])}"
        findings.add("no_video", path, what, example(0)[0])
        return
    findings.add_many("missing_video", path, range(len(lacking)), example)
    if lacking:  # else the folder may serve other splits as well
        used = {there[name] for name in annotated if name in there}
        unused = sorted(set(there.values()) - used)
        findings.add_many("unused_video", folder, range(len(unused)), lambda k: (None, unused[k]))


def _bare(name: str) -> str:
    return name.rpartition("/")[2]


def _check_times(
    path: Path | str,
    name: str,
    rows: pd.DataFrame,
    facts: Facts,
    clock: Clock,
    findings: Findings,
) -> np.ndarray:
    """Add findings for keyframes outside of a video, and for videos that are far too long.

    Returns the places of the rows outside of the video.
    """
    ticks = rows["tick"].to_numpy()
    places, unit, length = ticks - clock.start, "", f"{facts.frames} frames"
    if clock.rate is not None:
        places, unit, length = places / clock.rate, " s", f"{facts.seconds:.2f} s"
    outside = np.flatnonzero(facts.outside(ticks, clock))
    if len(outside):
        first, count = outside[0], len(np.unique(ticks[outside]))
        what = f"{name}: {count} keyframes, the first at tick {ticks[first]}: {places[first]:g}"
        findings.add("outside_video", path, f"{what}{unit} of {length}", place_of(rows, first)[0])
    most = places.max(initial=0.0) * LONGER[0] + LONGER[1]
    if clock.rate is not None and clock.start and facts.seconds > most:
        findings.add(
            "not_cut", path, f"{name}: {facts.seconds:.0f} s, last keyframe at {places.max():.0f} s"
        )
    return outside


def _check_size(
    path: Path | str, name: str, facts: Facts, drawn: Collection[Size], findings: Findings
) -> None:
    """Add a finding if boxes that were drawn on frames of one of some sizes do not fit a video."""
    shown = [size for size in dict.fromkeys([facts.size, facts.displayed]) if size]
    if not shown or any(size in shown for size in drawn):
        return
    found, listed = (" or ".join(f"{w} x {h}" for w, h in sizes) for sizes in (shown, drawn))
    problems = {misfit(size, shown) for size in drawn}
    kind = "rescaled" if "" in problems else min(problems, key=["swapped", "aspect"].index)
    findings.add(kind, path, f"{name}: {found}, in the list {listed}")


def check_proposals(
    path: Path | str,
    proposals: pd.DataFrame,
    table: pd.DataFrame,
    counts: np.ndarray,
    findings: Findings,
) -> None:
    """Check that person boxes are on annotated keyframes, and on all keyframes that count.

    Args:
        path: The file of the boxes, for messages.
        proposals: The boxes, from `ava_det.formats.proposals`.
        table: The annotations.
        counts: (N,) bool: the annotations that a loader keeps.
        findings: The collection to add findings to.
    """

    def keys(rows: pd.DataFrame) -> pd.MultiIndex:
        return pd.MultiIndex.from_arrays([rows["video"].astype("str"), rows["tick"]])

    def row(rows: pd.DataFrame, place: int) -> tuple[int | None, str]:
        found = rows.iloc[place]
        return place_of(rows, place)[0], f"{found['video']}, tick {found['tick']}"

    boxed = proposals[proposals["x1"].notna()]
    wrong = np.flatnonzero(~boxed["score"].between(0, 1))
    findings.add_many("score", path, wrong, lambda k: row(boxed, k))
    unmatched = ~keys(boxed).isin(keys(table))
    if len(boxed) and unmatched.all():
        findings.add("no_match", path, row(boxed, 0)[1], row(boxed, 0)[0])
        return
    findings.add_many("unmatched", path, np.flatnonzero(unmatched), lambda k: row(boxed, k))
    people = table[counts & table["x1"].notna()].drop_duplicates(["video", "tick"])
    without = np.flatnonzero(~keys(people).isin(keys(boxed)))
    findings.add_many("uncovered", path, without, lambda k: (None, row(people, k)[1]))
