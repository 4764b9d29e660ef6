"""Keyframes with proposals: in place of annotated people, beside them, or on further keyframes.

A model that is tested on a detector's boxes learns to take them as they come (Wu et al., "Long-Term
Feature Banks", CVPR 2019; PySlowFast's AVA lists).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
import pandas as pd
from detectron2.data import MetadataCatalog

from ava_det.boxes import iou
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


@dataclass(frozen=True, eq=False)
class TrainingBoxes(Sequence[AnnotatedKeyframe]):
    """Keyframes with their annotated and then their predicted people; made when asked for.

    Attributes:
        annotated: keyframes with people and labels.
        predicted: the same keyframes, with what a detector finds there.
        least_iou: a predicted box takes the labels of the annotated one that it meets best, if
            it meets it so well; None: it has the labels that its own list gives it.
        negatives: keep a predicted box without a label, as a person who does nothing; otherwise
            it is left out.
    """

    annotated: Sequence[AnnotatedKeyframe]
    predicted: Sequence[AnnotatedKeyframe]
    least_iou: float | None = 0.9
    negatives: bool = False

    def __len__(self) -> int:
        return len(self.annotated)

    @overload
    def __getitem__(self, index: int) -> AnnotatedKeyframe: ...
    @overload
    def __getitem__(self, index: slice) -> "TrainingBoxes": ...
    def __getitem__(self, index: int | slice) -> "AnnotatedKeyframe | TrainingBoxes":
        if isinstance(index, slice):
            parts = self.annotated[index], self.predicted[index]
            return replace(self, annotated=parts[0], predicted=parts[1])
        keyframe = self.annotated[index]
        predicted = self.predicted[index].people
        people = add_predicted(keyframe.people, predicted, self.least_iou, self.negatives)
        return replace(keyframe, people=people)


def add_predicted(
    annotated: PersonBoxes, predicted: PersonBoxes, least_iou: float | None, negatives: bool
) -> PersonBoxes:
    """The people of one keyframe: annotated, then predicted with the labels they take.

    As anywhere in AVA's files, one identical box is one person: a predicted one that is annotated
    to the last digit adds its labels to that.
    """
    labels = predicted.actions
    if least_iou is not None:
        labels = _labels_met(annotated, predicted.boxes, least_iou)
    place: dict[tuple[float, ...], int] = {}
    for row, box in enumerate(annotated.boxes.tolist()):
        place.setdefault(tuple(box), row)
    actions = list(annotated.actions)
    chosen = np.zeros(len(labels), bool)
    for row, box in enumerate(predicted.boxes.tolist()):
        known = place.get(tuple(box))
        if known is None:
            chosen[row] = negatives or bool(labels[row])
        else:
            actions[known] = tuple(dict.fromkeys(actions[known] + labels[row]))
    added = replace(predicted, actions=labels).select(chosen)
    return PersonBoxes(
        annotated.keyframe,
        np.concatenate([annotated.boxes, added.boxes]),
        tuple(actions) + added.actions,
        np.concatenate([annotated.scores, added.scores]),
        np.concatenate([annotated.person_ids, np.full(len(added.boxes), -1)]),
    )


def _labels_met(
    annotated: PersonBoxes, boxes: np.ndarray, least_iou: float
) -> tuple[tuple[int, ...], ...]:
    """The labels of the annotated box that each of some (P, 4) meets best and well enough."""
    met = iou(boxes, annotated.boxes)  # P x R
    best = met.argmax(1) if met.size else np.zeros(len(met), np.int64)
    alike = met.max(1, initial=0.0) >= least_iou
    return tuple(annotated.actions[k] if a else () for k, a in zip(best, alike, strict=True))
