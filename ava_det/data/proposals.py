"""Keyframes with proposals: in place of annotated people, beside them, or on further keyframes.

A model that is tested on a detector's boxes learns to take them as they come (Wu et al., "Long-Term
Feature Banks", CVPR 2019; PySlowFast's AVA lists).
"""

from dataclasses import dataclass, replace
from typing import overload

import numpy as np
import pandas as pd

from ava_det.boxes import iou
from ava_det.data.sets.dataset import DataSet
from ava_det.data.sets.keyframes import Keyframes
from ava_det.data.sets.records import Records
from ava_det.formats.ava_csv import require_known
from ava_det.formats.class_map import ClassMap
from ava_det.formats.proposals import read_proposals, require_score
from ava_det.structures import AnnotatedKeyframe, InputError, PersonBoxes


def people_to_test(
    dataset: DataSet,
    every: int = 1,
    proposals: str = "",
    threshold: float = 0.0,
    unlisted: bool = False,
    class_map: ClassMap | None = None,
) -> Keyframes:
    """Keyframes of a data set with the people whose actions a model is asked for.

    Args:
        dataset: whose keyframes.
        every: keep one keyframe in so many, for a quick look.
        proposals: a csv or pickle of boxes that stand in for the annotated people; "": none.
        threshold: least score of a proposal.
        unlisted: test also the keyframes that the proposals alone list, unless the set excludes
            them; what a model finds there is false, where a protocol counts it.
        class_map: the classes that the data set must have; None: any.

    Raises:
        InputError: the data set has other classes, or the proposals are of other keyframes.
    """
    require_score(threshold)
    if class_map is not None and dataset.class_map().names != class_map.names:
        raise InputError(f"{dataset.name}: its classes are not those of the training set")
    if not proposals:
        return dataset.keyframes(every)
    keyframes, boxes = dataset.keyframes(), read_proposals(proposals)
    require_same_keyframes(keyframes, boxes, proposals)
    boxes = boxes[boxes.score >= threshold].assign(action=-1)  # PySlowFast's lists have labels
    if unlisted:
        keyframes = with_unlisted(keyframes, boxes, dataset)
    return keyframes[::every].with_people(boxes)


def people_to_train_on(
    dataset: DataSet,
    predicted: str = "",
    predicted_score: float = 0.8,
    negatives: bool = False,
    least_iou: float | None = 0.9,
    unlisted: bool = False,
) -> "Keyframes | TrainingBoxes":
    """Keyframes of a data set with the people to train on.

    Args:
        dataset: whose keyframes.
        predicted: a csv or pickle of boxes to train on beside the annotated people; "": none.
        predicted_score: least score of one.
        negatives: keep those that have no label, as people who do nothing.
        least_iou: how well a predicted box must meet an annotated one to share its labels; None
            takes the labels that the list itself gives.
        unlisted: train on keyframes that this list alone has, too; wants `negatives`.

    Raises:
        InputError: the boxes are of other keyframes, or have no labels where they should.
    """
    require_score(predicted_score)
    keyframes = dataset.keyframes()
    if not predicted:
        return keyframes
    boxes = read_proposals(predicted, predicted_score)
    require_same_keyframes(keyframes, boxes, predicted)
    if least_iou is None:
        _require_labels(boxes, dataset.class_map(), predicted)
    if unlisted:
        keyframes = with_unlisted(keyframes, boxes, dataset)
    return TrainingBoxes(keyframes, keyframes.with_people(boxes), least_iou, negatives)


def _require_labels(proposals: pd.DataFrame, class_map: ClassMap, path: str) -> None:
    """Refuse a list of boxes whose own labels are to be trained on if it has none, or others."""
    if not (proposals["action"] > 0).any():
        raise InputError(
            f"{path}: no box has an action; dataloader.train.records.least_iou=0.9 would share"
        )
    require_known(proposals, class_map, path)


def require_same_keyframes(keyframes: Keyframes, proposals: pd.DataFrame, path: str) -> None:
    """Refuse a list of boxes, read from `path`, that has none of the keyframes: everybody on them
    would silently be missed.

    Raises:
        InputError: names a video of each side, or a tick.
    """
    names, codes, ticks = keyframes.names, keyframes.videos, keyframes.ticks
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


def with_unlisted(keyframes: Keyframes, proposals: pd.DataFrame, dataset: DataSet) -> Keyframes:
    """The keyframes, then those of the same videos that only a detector has people on; nobody is on
    these here.

    Args:
        keyframes: of the data set.
        proposals: table of boxes.
        dataset: what it excludes, or does not include, stays out.
    """
    if dataset.countable is not None:
        proposals = proposals[dataset.countable(proposals)]
    return keyframes.with_keyframes(proposals)


@dataclass(frozen=True, eq=False)
class TrainingBoxes(Records[AnnotatedKeyframe]):
    """Keyframes with their annotated and then their predicted people; made when asked for.

    Attributes:
        annotated: keyframes with people and labels.
        predicted: the same keyframes, with what a detector finds there.
        least_iou: a predicted box takes the labels of the annotated one that it meets best, if
            it meets it so well; None: it has the labels that its own list gives it.
        negatives: keep a predicted box without a label, as a person who does nothing; otherwise
            it is left out.
    """

    annotated: Keyframes
    predicted: Keyframes
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

    def files(self) -> set[str]:
        """The files that the keyframes lie in."""
        return self.annotated.files()

    def occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        """The keyframe (M,) and the action (M,) of each annotated label."""
        return self.annotated.occurrences()


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
