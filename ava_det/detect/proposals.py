"""Detects the people on the keyframes of a data set, and tracks them."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from ava_det.boxes import iou
from ava_det.detect.defaults import PERSON_THRESHOLD
from ava_det.detect.protocols import People, PersonFinder
from ava_det.detect.tracks import PersonTracker
from ava_det.structures import AnnotatedKeyframe, Clock, InputError, Keyframe, PersonBoxes
from ava_det.video.video import FrameReader


def propose(
    detector: PersonFinder,
    records: Sequence[AnnotatedKeyframe],
    reader: FrameReader,
    clock: Clock,
    batch_size: int = 16,
) -> Iterator[tuple[PersonBoxes, str]]:
    """Detect people on the keyframes of a data set, in the order of the keyframes.

    From the first unreadable keyframe of a video on, no people are reported for this video. To
    search for readable frames after the damage can take as long as decoding the whole video.

    Args:
        detector: The person detector.
        records: The keyframes. Keep the keyframes of a file together: they are read in one batch.
        reader: The reader of the frames.
        clock: Converts the ticks of the data set to seconds.
        batch_size: The most frames in a batch.

    Yields:
        (people, problem) of each keyframe. `problem` is the reason why the frame cannot be read, or
        "".
    """
    for path, group in groupby(records, key=lambda record: record.path):
        keyframes = [record.people.keyframe for record in group]
        done, size, problem = 0, batch_size, ""
        while done < len(keyframes) and not problem:
            batch = keyframes[done : done + size]
            try:
                frames = _frames(reader, path, [keyframe.tick for keyframe in batch], clock)
            except InputError as error:
                if len(batch) == 1:
                    problem = str(error)
                size = 1  # one by one up to the first unreadable frame
            else:
                yield from ((people, "") for people in _people(detector, batch, frames))
                done += len(batch)
        yield from ((PersonBoxes.nobody(keyframe), problem) for keyframe in keyframes[done:])


def _people(
    detector: PersonFinder, keyframes: Sequence[Keyframe], frames: np.ndarray
) -> Iterator[PersonBoxes]:
    """Return the people on frames (N, H, W, 3), labelled with the keyframes."""
    for keyframe, found in zip(keyframes, detector.people(frames), strict=True):
        yield PersonBoxes.found(keyframe, found.boxes, found.scores)


def _frames(reader: FrameReader, path: str, ticks: list[int], clock: Clock) -> np.ndarray:
    """Return the frames of a file at some ticks, (N, H, W, 3) uint8 RGB.

    Raises:
        InputError: A frame cannot be read, or the file ends before a tick.
    """
    frame_times = reader.times(path)
    try:
        times = np.array([clock.seconds(tick, frame_times) for tick in ticks])
    except IndexError as error:
        raise InputError(f"{path}: {error}") from error
    return reader.frames(path, times)


def link(
    found: Sequence[PersonBoxes], paths: Mapping[str, str], reader: FrameReader, clock: Clock
) -> list[PersonBoxes]:
    """Track the people of each video over its keyframes; return the same people with track ids.

    A person whom the tracker puts on no track gets the id -1.

    Args:
        found: The people of each keyframe, in any order; a keyframe occurs once.
        paths: The file of each video.
        reader: The reader of the files.
        clock: Converts the ticks of the data set to seconds.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, people in enumerate(found):
        places[people.keyframe.video].append(place)
    linked = list(found)
    for video, its in places.items():
        if not any(len(found[place].boxes) for place in its):
            continue  # the file may be unreadable
        ticks = np.array([found[place].keyframe.tick for place in its])
        times = clock.times(ticks, reader.times(paths[video]))
        pairs = zip(times.tolist(), its, strict=True)
        in_file = sorted((time, place) for time, place in pairs if not math.isnan(time))
        steps = np.diff([time for time, _ in in_file])
        rate = 1 / float(np.median(steps)) if len(steps) else 1.0
        tracker = PersonTracker(*reader.size(paths[video]), rate, PERSON_THRESHOLD)
        for time, place in in_file:
            people = found[place]
            ids = tracker.ids(People(people.boxes, people.scores), time)
            linked[place] = replace(people, person_ids=ids)
    return linked


def unread(
    records: Sequence[AnnotatedKeyframe], problems: Sequence[str], most: int = 5
) -> list[str]:
    """Return warnings about videos that `propose` could not read: `most` examples and the counts.

    Args:
        records: The keyframes.
        problems: For each keyframe, the reason why the frame cannot be read, or "".
        most: The most videos that are listed.
    """
    pairs = zip(records, problems, strict=True)
    videos = {record.path: problem for record, problem in pairs if problem}
    if not videos:
        return []
    count, lost = len({record.path for record in records}), sum(map(bool, problems))
    lines = [f"warning: {problem}" for problem in list(videos.values())[:most]]
    return [
        *lines,
        f"{len(videos)} of {count} videos cannot be read completely: {lost} of {len(records)} "
        "keyframes were not searched for people",
    ]


def with_annotated(annotated: PersonBoxes, found: PersonBoxes) -> PersonBoxes:
    """Return the annotated people, then the detected people with IoU below 0.5 to all of them.

    The result is training data for a person detector. It has no actions.
    """
    new = found.select(iou(found.boxes, annotated.boxes).max(axis=1, initial=0.0) < 0.5)
    boxes = np.concatenate([annotated.boxes, new.boxes])
    return PersonBoxes(
        keyframe=annotated.keyframe,
        boxes=boxes,
        actions=((),) * len(boxes),
        scores=np.concatenate([annotated.scores, new.scores]),
        person_ids=np.concatenate([annotated.person_ids, new.person_ids]),
    )
