"""Use proposals (detected person boxes) instead of annotated people, or in addition to them.

A model that is tested on detected boxes should also train on detected boxes (Wu et al., "Long-Term
Feature Banks", CVPR 2019; PySlowFast's AVA lists).
"""

from dataclasses import dataclass, replace
from itertools import compress
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
    tracks: bool = False,
) -> Keyframes:
    """Return the keyframes of a data set, with the person boxes to test on.

    Args:
        dataset: The data set.
        every: Keep every `every`-th keyframe, for a quick test.
        proposals: A csv or pickle of boxes that replace the annotated people; "": use the annotated
            people.
        threshold: The least score of a proposal.
        unlisted: Also test keyframes that only the proposals list, unless the data set excludes
            them. Detections on these keyframes are false positives.
        class_map: The classes that the data set must have; None: any classes.
        tracks: Give each record the tracks of its people, over all keyframes of the data set.

    Raises:
        InputError: The data set has other classes, or the proposals are for other keyframes.
    """
    require_score(threshold)
    if class_map is not None and dataset.class_map().names != class_map.names:
        raise InputError(f"{dataset.name}: the classes differ from those of the training set")
    keyframes = dataset.keyframes()
    if proposals:
        boxes = read_proposals(proposals)
        require_same_keyframes(keyframes, boxes, proposals)
        boxes = boxes[boxes.score >= threshold].assign(action=-1)  # PySlowFast's lists have labels
        if unlisted:
            keyframes = with_unlisted(keyframes, boxes, dataset)
        keyframes = keyframes.with_people(boxes)
    return (keyframes.with_tracks() if tracks else keyframes)[::every]


def people_to_train_on(
    dataset: DataSet,
    predicted: str = "",
    predicted_score: float = 0.8,
    negatives: bool = False,
    least_iou: float | None = 0.9,
    unlisted: bool = False,
    tracks: bool = False,
) -> "Keyframes | TrainingBoxes":
    """Return the keyframes of a data set, with the person boxes to train on.

    Args:
        dataset: The data set.
        predicted: A csv or pickle of detected boxes to train on, in addition to the annotated
            people; "": none.
        predicted_score: The least score of a detected box.
        negatives: Keep detected boxes without a label, as people who do nothing.
        least_iou: A detected box takes the labels of the annotated box with the largest IoU, if
            that IoU is at least this. None uses the labels in the file of detected boxes.
        unlisted: Also train on keyframes that only `predicted` lists; needs `negatives`.
        tracks: Give each record the tracks of its people.

    Raises:
        InputError: The boxes are for other keyframes, or lack the labels that `least_iou=None`
            needs.
    """
    require_score(predicted_score)
    keyframes = dataset.keyframes()
    if not predicted:
        return keyframes.with_tracks() if tracks else keyframes
    boxes = read_proposals(predicted, predicted_score)
    require_same_keyframes(keyframes, boxes, predicted)
    if least_iou is None:
        _require_labels(boxes, dataset.class_map(), predicted)
    if unlisted:
        keyframes = with_unlisted(keyframes, boxes, dataset)
    found = keyframes.with_people(boxes)
    if tracks:
        keyframes, found = keyframes.with_tracks(), found.with_tracks()
    return TrainingBoxes(keyframes, found, least_iou, negatives)


def _require_labels(proposals: pd.DataFrame, class_map: ClassMap, path: str) -> None:
    """Require that a list of boxes has labels, all of known classes."""
    if not (proposals["action"] > 0).any():
        raise InputError(
            f"{path}: no box has an action; dataloader.train.records.least_iou=0.9 takes actions "
            "from the annotated boxes"
        )
    require_known(proposals, class_map, path)


def require_same_keyframes(keyframes: Keyframes, proposals: pd.DataFrame, path: str) -> None:
    """Require that a list of boxes, read from `path`, has boxes for at least one keyframe.

    Without this check, a list for another data set would silently miss all people.

    Raises:
        InputError: The message names a video, or a tick, of the keyframes and of the list.
    """
    names, codes, ticks = keyframes.names, keyframes.videos, keyframes.ticks
    if not len(proposals):
        return
    mine = {names[code]: code for code in np.unique(codes)}
    its = proposals["video"].astype(object).map(mine).fillna(-1).to_numpy(np.int64)
    if (its < 0).all():
        listed = proposals["video"].astype(object).iloc[0]
        raise InputError(
            f"{path}: has boxes for other videos, such as {listed!r}; the data set has videos such "
            f"as {min(mine)!r}"
        )
    there = pd.MultiIndex.from_arrays([codes, ticks])
    if not pd.MultiIndex.from_arrays([its, proposals["tick"]]).isin(there).any():
        row = np.flatnonzero(its >= 0)[0]
        tick = ticks[codes == its[row]][0]
        raise InputError(
            f"{path}: has boxes for other ticks: for {names[its[row]]!r} it has tick "
            f"{proposals['tick'].iloc[row]}, for example, and the data set has tick {tick}"
        )


def with_unlisted(keyframes: Keyframes, proposals: pd.DataFrame, dataset: DataSet) -> Keyframes:
    """Add the keyframes that only the proposals list, in videos of the data set.

    The added keyframes have no people.

    Args:
        keyframes: The keyframes of the data set.
        proposals: The table of boxes.
        dataset: The data set; keyframes that the data set excludes are not added.
    """
    if dataset.countable is not None:
        proposals = proposals[dataset.countable(proposals)]
    return keyframes.with_keyframes(proposals)


@dataclass(frozen=True, eq=False)
class TrainingBoxes(Records[AnnotatedKeyframe]):
    """Keyframes with annotated people first and predicted people after them, joined on access.

    Attributes:
        annotated: The keyframes with people and labels.
        predicted: The same keyframes, with the detected people.
        least_iou: A predicted box takes the labels of the annotated box with the largest IoU, if
            that IoU is at least this. None: the predicted boxes have labels already.
        negatives: Keep a predicted box without a label, as a person who does nothing; otherwise
            drop the box.
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
        return add_predicted(
            self.annotated[index], self.predicted[index], self.least_iou, self.negatives
        )

    def files(self) -> set[str]:
        """Return the video files of the keyframes."""
        return self.annotated.files()

    def occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the keyframe (M,) and the action (M,) of each annotated label."""
        return self.annotated.occurrences()


def add_predicted(
    record: AnnotatedKeyframe,
    predicted_record: AnnotatedKeyframe,
    least_iou: float | None,
    negatives: bool,
) -> AnnotatedKeyframe:
    """Join the people of one keyframe: first the annotated people, then the predicted ones.

    As everywhere in AVA's files, identical boxes are one person: if a predicted box is identical to
    an annotated box, the annotated person gets the labels of both.
    """
    annotated, predicted = record.people, predicted_record.people
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
    people = PersonBoxes(
        annotated.keyframe,
        np.concatenate([annotated.boxes, added.boxes]),
        tuple(actions) + added.actions,
        np.concatenate([annotated.scores, added.scores]),
        np.concatenate([annotated.person_ids, np.full(len(added.boxes), -1)]),
    )
    tracks = record.tracks
    if tracks is not None and predicted_record.tracks is not None:
        tracks += tuple(compress(predicted_record.tracks, chosen))
    return AnnotatedKeyframe(record.path, people, tracks)


def _labels_met(
    annotated: PersonBoxes, boxes: np.ndarray, least_iou: float
) -> tuple[tuple[int, ...], ...]:
    """Return for each of `boxes` (P, 4) the labels of the best annotated box, if good enough."""
    met = iou(boxes, annotated.boxes)  # P x R
    best = met.argmax(1) if met.size else np.zeros(len(met), np.int64)
    alike = met.max(1, initial=0.0) >= least_iou
    return tuple(annotated.actions[k] if a else () for k, a in zip(best, alike, strict=True))
