"""Detects people and their actions in a whole video, in one pass and constant memory.

A clip includes frames after the keyframe, so results come a little later than the frames. People
are found and tracked when a keyframe arrives, and scored when the clip of the keyframe is complete.
So a model can be given the box of a person on every frame of the clip.

Shapes: R people of a keyframe, T frames of a clip, K classes.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ava_det.boxes import boxes_at
from ava_det.detect.clips import KeyframeClip, KeyframePicture, stream_keyframes
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


class _Seen(NamedTuple):
    """A keyframe with tracked people, which is not scored, or which later clips still show."""

    frame: int
    time: float
    people: People


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
        pictures: list[KeyframePicture] = []
        clips: list[KeyframeClip] = []
        seen: deque[_Seen] = deque()
        for keyframe in stream_keyframes(source.frames(), self.actions.clip, self.rate):
            if isinstance(keyframe, KeyframePicture):
                pictures.append(keyframe)
            else:
                clips.append(keyframe)
            if max(len(pictures), len(clips)) == self.batch_size:
                seen += self._find(pictures, tracker)
                pictures = []
            if len(clips) == self.batch_size:
                yield from self._score(clips, seen)
                clips = []
        seen += self._find(pictures, tracker)
        yield from self._score(clips, seen)

    def _find(self, pictures: Sequence[KeyframePicture], tracker: PersonTracker) -> Iterator[_Seen]:
        """Find and track the people on the next keyframes."""
        if not pictures:
            return
        found = self.persons.people(np.stack([keyframe.picture for keyframe in pictures]))
        for keyframe, people in zip(pictures, found, strict=True):
            yield _Seen(keyframe.frame, keyframe.time, tracker.update(people, keyframe.time))

    def _score(self, clips: Sequence[KeyframeClip], seen: deque[_Seen]) -> Iterator[ScoredPeople]:
        """Score the people of the next clips; forget the keyframes before these clips."""
        keyframes, busy, tubes = [], [], []
        for clip in clips:
            while seen[0].time < clip.times[0]:
                seen.popleft()
            keyframe = next(some for some in seen if some.frame == clip.frame)
            keyframes.append(keyframe)
            if len(keyframe.people.boxes):
                busy.append(clip.clip)
                tubes.append(tubes_of(keyframe.people, clip.times, seen))
        scores = iter(self.actions.scores(np.stack(busy), tubes) if busy else [])
        for keyframe in keyframes:
            people = keyframe.people
            rows = next(scores) if len(people.boxes) else self._nobody
            yield ScoredPeople(keyframe.frame, keyframe.time, people, rows)


def tubes_of(people: People, times: np.ndarray, seen: Iterable[_Seen]) -> np.ndarray:
    """Return the boxes (R, T, 4) of tracked people on the frames of a clip, relative.

    A box is interpolated linearly between those keyframes within the clip that show the track.
    Before the first and after the last of these keyframes, the box stands still. A keyframe on the
    last frame of the clip does not count, because a stream decides on it too late.

    Args:
        people: The R people of the clip's keyframe.
        times: (T,) seconds of the frames of the clip.
        seen: Keyframes with their tracked people, in order. They include the clip's keyframe.
    """
    own = times[len(times) // 2]
    inside = [s for s in seen if times[0] <= s.time < times[-1] or s.time == own]
    tubes = np.empty((len(people.boxes), len(times), 4))
    for tube, track in zip(tubes, people.tracks, strict=True):
        found = [(s.time, box) for s in inside for box in s.people.boxes[s.people.tracks == track]]
        known, boxes = zip(*found, strict=True)
        tube[:] = boxes_at(times, np.array(known), np.stack(boxes))
    return tubes
