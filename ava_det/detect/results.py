"""What is told of a video: its people and their actions as csv, json and an annotated film.

Files are written as keyframes come, so that memory does not grow with the video, and take their
names at the end.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ava_det.detect.pipeline import Frame, decodable
from ava_det.detect.tracks import between
from ava_det.draw.frames import DrawnPerson, draw_people, enlarged, enlarged_size
from ava_det.formats.atomic import atomic_text
from ava_det.formats.ava_csv import TRACKS_HEADER, writing_rows
from ava_det.formats.class_map import ClassMap
from ava_det.structures import ActionDetections, InputError
from ava_det.video.video import Video
from ava_det.video.writer import VideoWriter

logger = logging.getLogger(__name__)

DIGITS = 5  # of boxes and scores


@dataclass(frozen=True)
class Choice:
    """Which of a person's actions are told.

    Attributes:
        class_map: of the score columns.
        threshold: least score.
        top_k: most actions a person; 0 means all.
    """

    class_map: ClassMap
    threshold: float
    top_k: int

    def columns(self, scores: np.ndarray) -> list[int]:
        """Columns of a person's scores (K,), best first."""
        best = np.argsort(-scores, kind="stable")[: self.top_k or None]
        return [int(k) for k in best if scores[k] >= self.threshold]


class ResultFiles:
    """`NAME.csv` and `NAME.json` of one video. A context manager: an error leaves no file behind.

    The csv has the columns of AVA's results, under a header line, and the track id as a ninth one;
    a tick is a 0-based frame number. The json has the same people and those without an action too.

    Args:
        folder: where they go; must exist.
        name: of the video.
        choice: which actions are told.
        facts: what the json says before the keyframes; at least one thing.
    """

    def __init__(self, folder: Path, name: str, choice: Choice, facts: dict[str, Any]):
        self.choice, self.facts = choice, facts
        self.csv_path, self.json_path = folder / f"{name}.csv", folder / f"{name}.json"
        self._files = ExitStack()
        self._first = True

    def __enter__(self) -> "ResultFiles":
        with ExitStack() as files:
            self._write_rows = files.enter_context(writing_rows(self.csv_path, TRACKS_HEADER))
            self._json = files.enter_context(atomic_text(self.json_path))
            opening = json.dumps(self.facts, indent=1).removesuffix("\n}")
            self._json.write(opening + ',\n "keyframes": [')
            self._files = files.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the files, or drop them where the block failed."""
        if error is None:
            self._json.write("\n ]\n}\n")
        self._files.__exit__(kind, error, trace)

    def add(self, detections: ActionDetections, time: float) -> None:
        """Write what was seen at the next keyframe, `time` seconds after the first frame."""
        people = [self._person(detections, row) for row in range(len(detections.boxes))]
        keyframe = {"frame": detections.keyframe.tick, "time": round(time, 6), "people": people}
        self._json.write(("\n  " if self._first else ",\n  ") + json.dumps(keyframe))
        self._first = False
        where = detections.keyframe.video, detections.keyframe.tick
        self._write_rows(
            [*where, *person["box"], action["id"], action["score"], person["track"]]
            for person in people
            for action in person["actions"]
        )

    def _person(self, detections: ActionDetections, row: int) -> dict[str, Any]:
        class_map, scores = self.choice.class_map, detections.scores[row]
        actions = [
            {
                "id": class_map.ids[column],
                "name": class_map.names[class_map.ids[column]],
                "score": round(float(scores[column]), DIGITS),
            }
            for column in self.choice.columns(scores)
        ]
        return {
            "track": int(detections.tracks()[row]),
            "box": [round(float(value), DIGITS) for value in detections.boxes[row]],
            "score": round(float(detections.person_scores[row]), DIGITS),
            "actions": actions,
        }


def video_facts(video: Video) -> dict[str, Any]:
    """What the json says of a video; its size is that of what a player shows."""
    width, height = video.displayed
    return {
        "file": str(video.path),
        "height": height,
        "width": width,
        "frames": len(video),
        "rate": round(video.rate, 3),
        "seconds": round(float(video.frame_times[-1]) + video.index.step, 3),
    }


def write_results(
    video: Video,
    results: Iterable[ActionDetections],
    folder: Path,
    choice: Choice,
    facts: dict[str, Any],
    progress: Callable[[], object],
) -> None:
    """Write `NAME.mp4`, `NAME.csv` and `NAME.json` of a video; they appear when all is done.

    Args:
        video: read through once for its pictures; `results` must come from another reading of the
            file, which runs ahead of this one.
        results: in the order of their ticks, which are frame numbers.
        folder: where the files go; must exist.
        choice: which actions are told.
        facts: what the json says before the keyframes.
        progress: called after every frame.

    Raises:
        InputError: the video is damaged; what could be decoded is written first.
    """
    name, damage = video.path.stem, list[InputError]()
    size = enlarged_size(video.height, video.width)
    with (
        ResultFiles(folder, name, choice, facts) as files,
        VideoWriter(folder / f"{name}.mp4", *size, video.rate, aspect=video.index.aspect) as film,
    ):

        def told() -> Iterator[ActionDetections]:
            for detections in results:
                files.add(detections, float(video.frame_times[detections.keyframe.tick]))
                yield detections

        frames = decodable(video, damage)
        for number, picture in drawn_frames(frames, video.frame_times, told(), choice):
            film.write(picture, float(video.frame_times[number]))
            progress()
    if video.index.damaged_stamps:
        logger.warning(
            "warning: %s: %d of %d time stamps are wrong; those frames lie between the others",
            video.path,
            video.index.damaged_stamps,
            len(video),
        )
    if damage:
        raise damage[0]


def drawn_frames(
    frames: Iterable[tuple[int, Frame]],
    frame_times: np.ndarray,
    results: Iterable[ActionDetections],
    choice: Choice,
) -> Iterator[tuple[int, Frame]]:
    """Numbered frames with the people of their keyframes, who move evenly in between.

    Args:
        frames: increasing numbers and pictures; small ones are enlarged.
        frame_times: (F,) seconds.
        results: in the order of their ticks, which are frame numbers.
        choice: which actions are told.
    """
    coming = iter(results)
    before, after = None, next(coming, None)
    for number, picture in frames:
        while after is not None and after.keyframe.tick <= number:
            before, after = after, next(coming, None)
        people = []
        if before is not None:
            fraction = 0.0
            if after is not None:
                start, end = frame_times[[before.keyframe.tick, after.keyframe.tick]]
                fraction = (frame_times[number] - start) / (end - start)
            people = _drawn_people(*between(before, after or before, fraction), choice)
        yield number, draw_people(enlarged(picture), people)


def _drawn_people(shown: ActionDetections, boxes: np.ndarray, choice: Choice) -> list[DrawnPerson]:
    """The people of a keyframe with their actions, at `boxes` (R, 4)."""
    class_map, people = choice.class_map, []
    for box, track, scores in zip(boxes, shown.tracks().tolist(), shown.scores, strict=True):
        labels = [
            # What AVA's names say in brackets would make them too long.
            f"{class_map.names[class_map.ids[column]].split(' (')[0]} {scores[column]:.2f}"
            for column in choice.columns(scores)
        ]
        first = " ".join([f"#{track}", *labels[:1]])
        people.append(DrawnPerson(box, (first, *labels[1:]), track))
    return people
