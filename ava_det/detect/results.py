"""Results for the keyframes of a video, and writers of csv and JSON files.

The writers write each keyframe at once, so memory does not grow with the video. A file gets its
final name when the file is complete.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ava_det.formats.atomic import atomic_text
from ava_det.formats.ava_csv import TRACKS_HEADER, writing_rows

DIGITS = 5  # decimals of boxes and scores in files


@dataclass(frozen=True)
class Action:
    """A scored action of a person.

    Attributes:
        id: The class id, from 1.
        name: The class name.
        score: The score in [0, 1].
    """

    id: int
    name: str
    score: float


@dataclass(frozen=True, eq=False)
class PersonResult:
    """A person on a keyframe.

    Attributes:
        track: The track id: the same number for the same person on all keyframes of the video.
        box: (4,) float64, x1 y1 x2 y2, relative to the frame.
        score: The confidence of the person detector, in [0, 1].
        actions: The actions of the person, best first; may be empty.
        keypoints: (17, 3) float64, COCO's keypoints: x and y, relative to the frame, and a score.
            None if the person detector finds boxes only.
    """

    track: int
    box: np.ndarray
    score: float
    actions: tuple[Action, ...]
    keypoints: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class KeyframeResult:
    """The results for a keyframe.

    Attributes:
        frame: The 0-based number of the frame in the video.
        time: Seconds from the first frame.
        people: All people on a track.
    """

    frame: int
    time: float
    people: tuple[PersonResult, ...]


Write = Callable[[KeyframeResult], None]


@contextmanager
def csv_file(path: Path, video: str) -> Generator[Write]:
    """Open a csv file of results: a header line, then AVA's columns plus the track id.

    A tick is a 0-based frame number. An error leaves no file behind.

    Args:
        path: The file.
        video: The name of the video.

    Yields:
        A function that writes the next keyframe.
    """
    with writing_rows(path, TRACKS_HEADER) as write_rows:

        def write(result: KeyframeResult) -> None:
            write_rows(
                [video, result.frame, *_rounded(person.box), action.id, score, person.track]
                for person in result.people
                for action in person.actions
                for score in [round(action.score, DIGITS)]
            )

        yield write


@contextmanager
def json_file(path: Path, facts: dict[str, Any]) -> Generator[Write]:
    """Open a JSON file of results: the people of the csv, and people without an action.

    An error leaves no file behind.

    Args:
        path: The file.
        facts: The entries before the keyframes; at least one.

    Yields:
        A function that writes the next keyframe.
    """
    with atomic_text(path) as file:
        file.write(json.dumps(facts, indent=1).removesuffix("\n}") + ',\n "keyframes": [')
        between = "\n  "

        def write(result: KeyframeResult) -> None:
            nonlocal between
            people = [_person(person) for person in result.people]
            keyframe = {"frame": result.frame, "time": round(result.time, 6), "people": people}
            file.write(between + json.dumps(keyframe))
            between = ",\n  "

        yield write
        file.write("\n ]\n}\n")


def _person(person: PersonResult) -> dict[str, Any]:
    """Return the JSON object of a person."""
    actions = [
        {"id": action.id, "name": action.name, "score": round(action.score, DIGITS)}
        for action in person.actions
    ]
    box, score = _rounded(person.box), round(person.score, DIGITS)
    found: dict[str, Any] = {"track": person.track, "box": box, "score": score}
    found["actions"] = actions
    if person.keypoints is not None:
        found["keypoints"] = [_rounded(point) for point in person.keypoints]
    return found


def _rounded(box: np.ndarray) -> list[float]:
    return [round(value, DIGITS) for value in box.tolist()]
