"""Chooses which scored actions are reported."""

from dataclasses import dataclass

import numpy as np

from ava_det.detect.pipeline import ScoredPeople
from ava_det.detect.results import Action, KeyframeResult, PersonResult
from ava_det.formats.class_map import ClassMap


@dataclass(frozen=True)
class ActionFilter:
    """Turns scores into results: the best actions of each person.

    Attributes:
        class_map: The classes of the score columns.
        threshold: The lowest score that is reported.
        top_k: The most actions per person; 0 means all.

    >>> best = ActionFilter(ClassMap({1: "stand", 7: "walk"}), threshold=0.3, top_k=1)
    >>> best.actions(np.array([0.4, 0.8]))
    (Action(id=7, name='walk', score=0.8),)
    """

    class_map: ClassMap
    threshold: float
    top_k: int

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        if self.top_k < 0:
            raise ValueError(f"top_k {self.top_k} is negative; 0 means all actions")

    def __call__(self, scored: ScoredPeople) -> KeyframeResult:
        """Return the people of a keyframe, including people without an action."""
        people = scored.people
        keypoints = people.keypoints
        points = [None] * len(people.boxes) if keypoints is None else list(keypoints)
        tracks, scores = people.tracks.tolist(), people.scores.tolist()
        rows = zip(tracks, people.boxes, scores, scored.scores, points, strict=True)
        return KeyframeResult(
            scored.frame,
            scored.time,
            tuple(
                PersonResult(track, box, score, self.actions(row), joints)
                for track, box, score, row, joints in rows
            ),
        )

    def actions(self, scores: np.ndarray) -> tuple[Action, ...]:
        """Return the reported actions of a person with scores (K,), best first."""
        ids, names = self.class_map.ids, self.class_map.names
        best = np.argsort(-scores, kind="stable")[: self.top_k or None].tolist()
        return tuple(
            Action(ids[k], names[ids[k]], float(scores[k]))
            for k in best
            if scores[k] >= self.threshold
        )
