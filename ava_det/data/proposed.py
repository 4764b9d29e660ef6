"""Keyframes with the people that a detector proposes, and keyframes that it alone has people on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from detectron2.data import MetadataCatalog

from ava_det.data.keyframes import PackedKeyframes
from ava_det.formats.ava_csv import people_by_keyframe
from ava_det.structures import AnnotatedKeyframe, InputError, Keyframe, PersonBoxes


def require_same_videos(
    keyframes: Sequence[AnnotatedKeyframe], proposals: pd.DataFrame, path: str
) -> None:
    """Refuse a list of boxes, read from `path`, that names none of the videos: everybody on them
    would silently be missed.

    Raises:
        InputError: names a video of each side.
    """
    if isinstance(keyframes, PackedKeyframes):
        known = {keyframes.names[k] for k in np.unique(keyframes.videos)}
    else:
        known = {keyframe.video for keyframe in keyframes}
    listed = proposals["video"].unique().astype(object)
    if len(listed) and known.isdisjoint(listed):
        raise InputError(
            f"{path}: its videos, such as {listed[0]!r}, are none of those that it is for, such as "
            f"{min(known)!r}"
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
