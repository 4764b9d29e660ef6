"""Keyframes with the people that a detector proposes, and keyframes that it alone has people on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from detectron2.data import MetadataCatalog

from ava_det.data.keyframes import PackedKeyframes
from ava_det.formats.ava_csv import people_by_keyframe
from ava_det.structures import AnnotatedKeyframe, InputError, Keyframe, PersonBoxes


def require_same_keyframes(
    keyframes: Sequence[AnnotatedKeyframe], proposals: pd.DataFrame, path: str
) -> None:
    """Refuse a list of boxes, read from `path`, that has none of the keyframes: everybody on them
    would silently be missed.

    Raises:
        InputError: names a video of each side, or a tick.
    """
    if isinstance(keyframes, PackedKeyframes):
        names, codes, ticks = keyframes.names, keyframes.videos, keyframes.ticks
    else:
        names = list(dict.fromkeys(k.video for k in keyframes))
        places = {name: code for code, name in enumerate(names)}
        codes = np.array([places[k.video] for k in keyframes])
        ticks = np.array([k.people.keyframe.tick for k in keyframes])
    if not len(proposals):
        return
    mine = {names[code]: code for code in np.unique(codes)}
    its = proposals["video"].astype(object).map(mine).fillna(-1).to_numpy(np.int64)
    if (its < 0).all():
        listed = proposals["video"].astype(object).iloc[0]
        raise InputError(
            f"{path}: its videos, such as {listed!r}, are none of those that it is for, such as "
            f"{min(mine)!r}"
        )
    there = pd.MultiIndex.from_arrays([codes, ticks])
    if not pd.MultiIndex.from_arrays([its, proposals["tick"]]).isin(there).any():
        row = np.flatnonzero(its >= 0)[0]
        tick = ticks[codes == its[row]][0]
        raise InputError(
            f"{path}: none of its ticks is one of the keyframes that it is for: of "
            f"{names[its[row]]!r} it has {proposals['tick'].iloc[row]}, say, and they {tick}"
        )


def with_proposals(
    keyframes: Sequence[AnnotatedKeyframe], proposals: pd.DataFrame
) -> Sequence[AnnotatedKeyframe]:
    """The same keyframes with the people that a detector proposes instead of the annotated ones.

    Args:
        keyframes: where to look.
        proposals: table of boxes (`ava_det.formats.proposals.read_proposals`).
    """
    if isinstance(keyframes, PackedKeyframes):
        return keyframes.with_people(proposals)
    found = people_by_keyframe(proposals)
    wanted = ((k.path, k.people.keyframe) for k in keyframes)
    return [
        AnnotatedKeyframe(path, found[k] if k in found else PersonBoxes.nobody(k))
        for path, k in wanted
    ]


def with_unlisted(
    keyframes: Sequence[AnnotatedKeyframe], proposals: pd.DataFrame, names: Sequence[str]
) -> Sequence[AnnotatedKeyframe]:
    """The keyframes, then those of the same videos that only a detector has people on; nobody is on
    these here.

    Args:
        keyframes: of some data sets.
        proposals: table of boxes.
        names: of the data sets; what one of them excludes, or does not include, stays out.
    """
    for name in names:
        countable = MetadataCatalog.get(name).get("countable", None)
        if countable is not None:
            proposals = proposals[countable(proposals)]
    if isinstance(keyframes, PackedKeyframes):
        return keyframes.with_keyframes(proposals)
    paths = {k.video: k.path for k in keyframes}
    known = {k.people.keyframe for k in keyframes}
    found = map(Keyframe, proposals["video"].astype(object), proposals["tick"].tolist())
    new = (k for k in dict.fromkeys(found) if k.video in paths and k not in known)
    return [*keyframes, *(AnnotatedKeyframe(paths[k.video], PersonBoxes.nobody(k)) for k in new)]
