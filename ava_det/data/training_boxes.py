"""The people that a detector trains on: annotated ones, and predicted ones beside them.

A model that is tested on a detector's boxes learns to take them as they come (Wu et al., "Long-Term
Feature Banks", CVPR 2019; PySlowFast's AVA lists).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from ava_det.boxes import iou
from ava_det.structures import AnnotatedKeyframe, PersonBoxes


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
