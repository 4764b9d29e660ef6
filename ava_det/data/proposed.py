"""Keyframes with the people that a detector proposes, and those that it alone has people on."""

from collections.abc import Sequence

import pandas as pd
from detectron2.data import MetadataCatalog

from ava_det.data.ava import countable
from ava_det.data.keyframes import PackedKeyframes
from ava_det.formats.ava_csv import people_by_keyframe
from ava_det.structures import AnnotatedKeyframe, Keyframe, PersonBoxes


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
        files = MetadataCatalog.get(name).get("ava_files", None)
        if files is not None:
            proposals = proposals[countable(proposals, files.excluded, files.included)]
    if isinstance(keyframes, PackedKeyframes):
        return keyframes.with_keyframes(proposals)
    paths = {k.video: k.path for k in keyframes}
    known = {k.people.keyframe for k in keyframes}
    found = map(Keyframe, proposals["video"].astype(object), proposals["tick"].tolist())
    new = (k for k in dict.fromkeys(found) if k.video in paths and k not in known)
    return [*keyframes, *(AnnotatedKeyframe(paths[k.video], PersonBoxes.nobody(k)) for k in new)]
