"""Draws the results of a video on every frame: the people and their actions."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ava_det.detect.protocols import Frame
from ava_det.detect.results import KeyframeResult, PersonResult
from ava_det.detect.sources import Source, VideoSource
from ava_det.draw.frames import DrawnPerson, draw_people, enlarged, enlarged_size
from ava_det.video.index import DEFAULT_RATE
from ava_det.video.orientation import SQUARE
from ava_det.video.writer import VideoWriter


def write_film(
    path: Path, source: Source, results: Iterable[KeyframeResult], keypoints: bool = False
) -> None:
    """Write an H.264 film of a source with results drawn on it. The file appears at the end.

    Args:
        path: The film file.
        source: The source. Its frames are read a little behind the results.
        results: The results in the order of the keyframes.
        keypoints: Draw keypoints, too.
    """
    size, rate, aspect = enlarged_size(source.height, source.width), DEFAULT_RATE, SQUARE
    if isinstance(source, VideoSource):
        rate, aspect = source.video.rate, source.video.index.aspect
    with VideoWriter(path, *size, rate, aspect=aspect) as film:
        for time, picture in drawn_frames(source.frames(), results, keypoints):
            film.write(picture, time)


def drawn_frames(
    frames: Iterable[tuple[float, Frame | None]],
    results: Iterable[KeyframeResult],
    keypoints: bool = False,
) -> Iterator[tuple[float, Frame]]:
    """Yield frames with people drawn on them; boxes move linearly between keyframes.

    Args:
        frames: Times and pictures. Small pictures are enlarged; lost frames are left out.
        results: The results in the order of the keyframes.
        keypoints: Draw keypoints, too. They move with the box.
    """
    coming = iter(results)
    before, after = None, next(coming, None)
    for time, picture in frames:
        while after is not None and after.time <= time:
            before, after = after, next(coming, None)
        if picture is not None:
            people = [] if before is None else people_between(before, after, time)
            drawn = [_drawn(person, box, keypoints) for person, box in people]
            yield time, draw_people(enlarged(picture), drawn)


def people_between(
    before: KeyframeResult, after: KeyframeResult | None, time: float
) -> list[tuple[PersonResult, np.ndarray]]:
    """Return the people at a time between two keyframes, with their boxes.

    The box of a track on both keyframes is interpolated linearly. A track on one keyframe only is
    shown in the nearer half of the interval.

    Args:
        before: The keyframe before `time`.
        after: The keyframe after `time`; None after the last keyframe.
        time: Seconds from the first frame.

    Returns:
        The people of the nearer keyframe, each with a relative box (4,).
    """
    if after is None:
        return [(person, person.box) for person in before.people]
    fraction = (time - before.time) / (after.time - before.time)
    nearer, other = (before, after) if fraction < 0.5 else (after, before)
    weight = min(fraction, 1 - fraction)  # weight of the other keyframe
    boxes = {person.track: person.box for person in other.people}
    return [
        (person, person.box + weight * (boxes.get(person.track, person.box) - person.box))
        for person in nearer.people
    ]


def _drawn(person: PersonResult, box: np.ndarray, keypoints: bool) -> DrawnPerson:
    # Drop the brackets in AVA's class names, since they make labels too long.
    labels = [f"{action.name.split(' (')[0]} {action.score:.2f}" for action in person.actions]
    first = " ".join([f"#{person.track}", *labels[:1]])
    points = None
    if keypoints and person.keypoints is not None:
        points = person.keypoints.copy()
        points[:, :2] += (box[:2] + box[2:] - person.box[:2] - person.box[2:]) / 2
    return DrawnPerson(box, (first, *labels[1:]), person.track, keypoints=points)
