"""The people that a person detector finds on the keyframes of a data set."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from ava_det.boxes import iou
from ava_det.detect.protocols import PersonFinder
from ava_det.structures import AnnotatedKeyframe, Clock, InputError, Keyframe, PersonBoxes
from ava_det.video.video import FrameReader


def propose(
    detector: PersonFinder,
    records: Sequence[AnnotatedKeyframe],
    reader: FrameReader,
    clock: Clock,
    batch_size: int = 16,
) -> Iterator[tuple[PersonBoxes, str]]:
    """The people that a detector finds on the keyframes of a data set, in their order.

    A video that cannot be read, or not to its end, has nobody from the first keyframe on that
    cannot be had: looking for what may follow the damage can take as long as decoding it all.

    Args:
        detector: finds them.
        records: keyframes; best if those of a file follow each other, as they are read together.
        reader: decodes frames.
        clock: what a tick of the data set is.
        batch_size: most frames at a time.

    Yields:
        (people, why their frame cannot be had or "").
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
                size = 1  # one by one up to the first that cannot be had
            else:
                yield from ((people, "") for people in _people(detector, batch, frames))
                done += len(batch)
        yield from ((PersonBoxes.nobody(keyframe), problem) for keyframe in keyframes[done:])


def _people(
    detector: PersonFinder, keyframes: Sequence[Keyframe], frames: np.ndarray
) -> Iterator[PersonBoxes]:
    """What a detector finds on frames (N, H, W, 3), under the names of their keyframes."""
    for keyframe, found in zip(keyframes, detector.people(frames), strict=True):
        yield PersonBoxes(
            keyframe=keyframe,
            boxes=found.boxes,
            actions=((),) * len(found),
            scores=found.scores,
            person_ids=np.full(len(found), -1, np.int64),
        )


def _frames(reader: FrameReader, path: str, ticks: list[int], clock: Clock) -> np.ndarray:
    """(N, H, W, 3) uint8 RGB, the frames of a file at some ticks.

    Raises:
        InputError: they cannot be read, or the file ends before a tick that is one of its frames.
    """
    frame_times = reader.times(path)
    try:
        times = np.array([clock.seconds(tick, frame_times) for tick in ticks])
    except IndexError as error:
        raise InputError(f"{path}: {error}") from error
    return reader.frames(path, times)


def unread(
    records: Sequence[AnnotatedKeyframe], problems: Sequence[str], most: int = 5
) -> list[str]:
    """What there is to say of videos that `propose` could not read: `most` of them, and how many.

    Args:
        records: the keyframes.
        problems: why the frame of each cannot be had, or "".
        most: how many videos are told.
    """
    pairs = zip(records, problems, strict=True)
    videos = {record.path: problem for record, problem in pairs if problem}
    if not videos:
        return []
    count, lost = len({record.path for record in records}), sum(map(bool, problems))
    lines = [f"warning: {problem}" for problem in list(videos.values())[:most]]
    return [
        *lines,
        f"{len(videos)} of {count} videos cannot be read, or not to their end: on {lost} of "
        f"{len(records)} keyframes nobody was looked for",
    ]


def with_annotated(annotated: PersonBoxes, found: PersonBoxes) -> PersonBoxes:
    """The annotated people of a keyframe, then the found ones whom they do not overlap by half.

    They are people to train a person detector on: nobody does anything.
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
