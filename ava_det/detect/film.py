"""The film of a video's results: every frame with the people of its time and what they do."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ava_det.detect.protocols import Frame
from ava_det.detect.results import KeyframeResult, PersonResult
from ava_det.detect.sources import VideoSource
from ava_det.draw.frames import DrawnPerson, draw_people, enlarged, enlarged_size
from ava_det.video.video import Video
from ava_det.video.writer import VideoWriter


def write_film(path: Path, video: Video, results: Iterable[KeyframeResult]) -> None:
    """Write an H.264 film of a video with results drawn on it; it appears when all is done.

    Args:
        path: the file.
        video: read once more for its pictures, a little behind the results.
        results: in order.
    """
    size = enlarged_size(video.height, video.width)
    with VideoWriter(path, *size, video.rate, aspect=video.index.aspect) as film:
        for time, picture in drawn_frames(VideoSource(video).frames(), results):
            film.write(picture, time)


def drawn_frames(
    frames: Iterable[tuple[float, Frame | None]], results: Iterable[KeyframeResult]
) -> Iterator[tuple[float, Frame]]:
    """Frames with the people of their keyframes, who move evenly in between.

    Args:
        frames: times and pictures; small ones are enlarged, lost ones left out.
        results: in order.
    """
    coming = iter(results)
    before, after = None, next(coming, None)
    for time, picture in frames:
        while after is not None and after.time <= time:
            before, after = after, next(coming, None)
        if picture is not None:
            people = [] if before is None else people_between(before, after, time)
            drawn = [_drawn(person, box) for person, box in people]
            yield time, draw_people(enlarged(picture), drawn)


def people_between(
    before: KeyframeResult, after: KeyframeResult | None, time: float
) -> list[tuple[PersonResult, np.ndarray]]:
    """Who is seen at a time between two keyframes, and in which box.

    A track that both have moves evenly; one that only a single keyframe has is shown in the half of
    the interval that is nearer to it.

    Args:
        before: the keyframe before.
        after: the keyframe after; None if there is none.
        time: seconds.

    Returns:
        People of the nearer keyframe, each with a relative box (4,).
    """
    if after is None:
        return [(person, person.box) for person in before.people]
    fraction = (time - before.time) / (after.time - before.time)
    nearer, other = (before, after) if fraction < 0.5 else (after, before)
    weight = min(fraction, 1 - fraction)  # of the other one
    boxes = {person.track: person.box for person in other.people}
    return [
        (person, person.box + weight * (boxes.get(person.track, person.box) - person.box))
        for person in nearer.people
    ]


def _drawn(person: PersonResult, box: np.ndarray) -> DrawnPerson:
    # What AVA's names say in brackets would make them too long.
    labels = [f"{action.name.split(' (')[0]} {action.score:.2f}" for action in person.actions]
    first = " ".join([f"#{person.track}", *labels[:1]])
    return DrawnPerson(box, (first, *labels[1:]), person.track)
