"""Detects people and their actions in a whole video, in one pass and constant memory.

A clip includes frames after the keyframe, so results come a little later than the frames.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ava_det.detect.clips import Moment, stream_moments
from ava_det.detect.defaults import PERSON_THRESHOLD, RATE
from ava_det.detect.protocols import ActionBackend, People, PersonFinder
from ava_det.detect.sources import Source
from ava_det.detect.tracks import PersonTracker


@dataclass(frozen=True, eq=False)
class ScoredPeople:
    """The model outputs for one keyframe.

    Attributes:
        frame: The 0-based number of the frame in the source.
        time: Seconds from the first frame.
        people: R people, each on a track.
        scores: (R, K) float32 action scores in [0, 1]; column k is the class map's k-th id.
    """

    frame: int
    time: float
    people: People
    scores: np.ndarray


class ActionPipeline:
    """Runs a person detector, a tracker and an action model on videos.

    Args:
        persons: The person detector.
        actions: The action model.
        rate: Keyframes per second.
        person_threshold: The lowest person score that starts a track.
        batch_size: The number of keyframes in one batch. Results come when a batch is complete.

    Raises:
        ValueError: The rate or the batch size is out of range.
    """

    def __init__(
        self,
        persons: PersonFinder,
        actions: ActionBackend,
        rate: float = RATE,
        person_threshold: float = PERSON_THRESHOLD,
        batch_size: int = 1,
    ):
        if not 0 < rate < math.inf:
            raise ValueError(f"a rate of {rate} keyframes per second; it must be above 0")
        if batch_size < 1:
            raise ValueError(f"a batch of {batch_size} keyframes; the least is 1")
        self.persons, self.actions = persons, actions
        self.rate, self.person_threshold = rate, person_threshold
        self.batch_size = batch_size
        self._nobody = np.zeros((0, len(actions.class_map)), np.float32)  # scores of no people

    def run(self, source: Source) -> Iterator[ScoredPeople]:
        """Yield the scored people of each keyframe of a source, in order."""
        tracker = PersonTracker(source.height, source.width, self.rate, self.person_threshold)
        batch: list[Moment] = []
        for moment in stream_moments(source.frames(), self.actions.clip, self.rate):
            batch.append(moment)
            if len(batch) == self.batch_size:
                yield from self._scored(batch, tracker)
                batch = []
        if batch:
            yield from self._scored(batch, tracker)

    def _scored(self, batch: Sequence[Moment], tracker: PersonTracker) -> Iterator[ScoredPeople]:
        found = self.persons.people(np.stack([moment.picture for moment in batch]))
        people = [
            tracker.update(seen, moment.time) for moment, seen in zip(batch, found, strict=True)
        ]
        scores = [self._nobody] * len(batch)
        busy = [place for place, seen in enumerate(people) if len(seen.boxes)]
        if busy:
            clips = np.stack([batch[place].clip for place in busy])
            rows = self.actions.scores(clips, [people[place].boxes for place in busy])
            scores = [self._nobody if not len(seen.boxes) else rows.pop(0) for seen in people]
        for moment, seen, row in zip(batch, people, scores, strict=True):
            yield ScoredPeople(moment.frame, moment.time, seen, row)
