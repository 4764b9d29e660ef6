"""What is reported of the keyframes of a video, and the csv and json files of it.

Files are written as keyframes come, so that memory does not grow with the video, and take their
names at the end.
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

DIGITS = 5  # of boxes and scores in files


@dataclass(frozen=True)
class Action:
    """Something that a person does.

    Attributes:
        id: of the class, from 1 on.
        name: of the class.
        score: in [0, 1].
    """

    id: int
    name: str
    score: float


@dataclass(frozen=True, eq=False)
class PersonResult:
    """A person on a keyframe.

    Attributes:
        track: who it is, the same number on all keyframes of the video.
        box: (4,) float64, x1 y1 x2 y2, relative to the frame.
        score: how sure the person detector is, in [0, 1].
        actions: what the person does, best first; may be empty.
    """

    track: int
    box: np.ndarray
    score: float
    actions: tuple[Action, ...]


@dataclass(frozen=True, eq=False)
class KeyframeResult:
    """What is reported of a keyframe.

    Attributes:
        frame: 0-based number of the frame in the video.
        time: seconds from the first frame.
        people: everybody who is on a track.
    """

    frame: int
    time: float
    people: tuple[PersonResult, ...]


Write = Callable[[KeyframeResult], None]


@contextmanager
def csv_file(path: Path, video: str) -> Generator[Write]:
    """A csv file of results: the columns of AVA's results, then the track id, under a header line.

    A tick is a 0-based frame number. An error leaves no file behind.

    Args:
        path: the file.
        video: the name of the video.

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
    """A json file of results, with the people of the csv and those without an action too.

    An error leaves no file behind.

    Args:
        path: the file.
        facts: what the file says before the keyframes; at least one thing.

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
    """A person as the json has it."""
    actions = [
        {"id": action.id, "name": action.name, "score": round(action.score, DIGITS)}
        for action in person.actions
    ]
    box, score = _rounded(person.box), round(person.score, DIGITS)
    return {"track": person.track, "box": box, "score": score, "actions": actions}


def _rounded(box: np.ndarray) -> list[float]:
    return [round(value, DIGITS) for value in box.tolist()]
