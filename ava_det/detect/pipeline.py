"""People and their actions through a whole video, in one pass and flat memory.

A clip reaches into the future, so a keyframe is judged a little after it was read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ava_det.detect.clips import Moment, stream_moments
from ava_det.detect.protocols import ActionBackend, People, PersonFinder
from ava_det.detect.sources import Source
from ava_det.detect.tracks import PersonTracker


@dataclass(frozen=True, eq=False)
class ScoredPeople:
    """What the models say of one keyframe.

    Attributes:
        frame: 0-based number of the frame in the source.
        time: seconds from the first frame.
        people: R of them, each on a track.
        scores: (R, K) float32 action scores in [0, 1]; column k is the class map's k-th id.
    """

    frame: int
    time: float
    people: People
    scores: np.ndarray


class ActionPipeline:
    """Person detector, tracker and action model over videos.

    Args:
        persons: finds people.
        actions: says what they do.
        rate: keyframes a second.
        person_threshold: person score that starts a track.
        batch_size: keyframes that go through the models at once; the first of them waits for the
            last one.
    """

    def __init__(
        self,
        persons: PersonFinder,
        actions: ActionBackend,
        rate: float = 5.0,
        person_threshold: float = 0.5,
        batch_size: int = 1,
    ):
        self.persons, self.actions = persons, actions
        self.rate, self.person_threshold = rate, person_threshold
        self.batch_size = batch_size

    def run(self, source: Source) -> Iterator[ScoredPeople]:
        """What is seen at the keyframes of a source, in order, as soon as it is known."""
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
        nobody = np.zeros((0, len(self.actions.class_map)), np.float32)
        scores = [nobody] * len(batch)
        busy = [place for place, seen in enumerate(people) if len(seen)]
        if busy:
            clips = np.stack([batch[place].clip for place in busy])
            rows = self.actions.scores(clips, [people[place].boxes for place in busy])
            scores = [nobody if not len(seen) else rows.pop(0) for seen in people]
        for moment, seen, row in zip(batch, people, scores, strict=True):
            yield ScoredPeople(moment.frame, moment.time, seen, row)
