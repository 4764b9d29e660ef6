"""A detector of people and their actions, and what it finds in a video."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ava_det.detect.action_filter import ActionFilter
from ava_det.detect.film import write_film
from ava_det.detect.pipeline import ActionPipeline
from ava_det.detect.protocols import ActionBackend, PersonFinder
from ava_det.detect.results import KeyframeResult, Write, csv_file, json_file
from ava_det.detect.sources import VideoSource
from ava_det.video.video import Video

logger = logging.getLogger(__name__)


class Detector:
    """Finds people in videos and says what they do. A context manager.

    It may be used for any number of videos, one after the other; not by several threads at once.

    Args:
        persons: finds people.
        actions: says what they do.
        rate: keyframes a second.
        person_threshold: person score that starts a track.
        score_threshold: least score of an action that is reported.
        top_k: most actions a person; 0 means all.
        files: where the models come from, for the json.
    """

    def __init__(
        self,
        persons: PersonFinder,
        actions: ActionBackend,
        *,
        rate: float = 5.0,
        person_threshold: float = 0.5,
        score_threshold: float = 0.3,
        top_k: int = 3,
        files: dict[str, str] | None = None,
    ):
        self._pipeline: ActionPipeline | None
        self._pipeline = ActionPipeline(persons, actions, rate, person_threshold)
        self.class_map = actions.class_map
        self._filter = ActionFilter(actions.class_map, score_threshold, top_k)
        self._facts: dict[str, Any] = {
            "model": {**(files or {}), "clip": asdict(actions.clip)},
            "settings": {
                "rate": rate,
                "score_threshold": score_threshold,
                "top_k": top_k,
                "person_threshold": person_threshold,
            },
            "classes": {str(i): name for i, name in actions.class_map.names.items()},
        }

    def __enter__(self) -> "Detector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the models, so that their memory is free; the detector is of no use then."""
        self._pipeline = None

    def detect(self, source: str | Path | Video) -> "Detections":
        """What is to be found in a video; the work begins when the results are asked for.

        Args:
            source: a video file, or one that is open already and stays so.
        """
        if self._pipeline is None:
            raise RuntimeError("the detector is closed")
        return Detections(source, self._pipeline, self._filter, self._facts)


class Detections:
    """What a detector finds in a video, keyframe by keyframe, in flat memory.

    Iterate over it, or write files of it: either reads the video, which happens once. `write` makes
    several files in one reading. Results are a little behind the reading, as a clip reaches into
    the future.

    Where the video is damaged, what can be decoded is reported or written before `InputError` is
    raised.
    """

    def __init__(
        self,
        source: str | Path | Video,
        pipeline: ActionPipeline,
        action_filter: ActionFilter,
        facts: dict[str, Any],
    ):
        self._source, self._pipeline = source, pipeline
        self._filter, self._facts = action_filter, facts
        self._is_read = False

    def __iter__(self) -> Iterator[KeyframeResult]:
        """The results of the keyframes, in order, each as soon as it is known.

        Raises:
            InputError: no video, or at the end of a damaged one.
            RuntimeError: the video has been read already.
        """
        with self._open() as video:
            source = VideoSource(video)
            yield from map(self._filter, self._pipeline.run(source))
        _report(source)

    def to_csv(self, path: str | Path) -> None:
        """Write AVA's csv with a track id, as `write`."""
        self.write(csv=path)

    def to_json(self, path: str | Path) -> None:
        """Write the json, as `write`."""
        self.write(json=path)

    def draw(self, path: str | Path) -> None:
        """Write the film with the people and their actions drawn on it, as `write`."""
        self.write(film=path)

    def write(
        self,
        *,
        csv: str | Path | None = None,
        json: str | Path | None = None,
        film: str | Path | None = None,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        """Write files of the results; they appear when all is done, and replace older ones.

        Args:
            csv: AVA's columns, then the track id; a tick is a 0-based frame number.
            json: the people of all keyframes, those without an action too.
            film: an H.264 MP4.
            progress: called after every frame that is analysed.

        Raises:
            InputError: no video, or a damaged one; what could be decoded is written first.
            RuntimeError: the video has been read already.
        """
        with self._open() as video, ExitStack() as files:
            source = VideoSource(video, progress)
            writers: list[Write] = []
            if csv is not None:
                writers.append(files.enter_context(csv_file(Path(csv), source.name)))
            if json is not None:
                facts = {"video": source.facts(), **self._facts}
                writers.append(files.enter_context(json_file(Path(json), facts)))
            results = self._written(source, writers)
            if film is not None:
                write_film(Path(film), video, results)
            for _ in results:  # what no film has asked for
                pass
        _report(source)

    def _open(self) -> AbstractContextManager[Video]:
        """The open video; a file that was opened here is closed at the end of the block."""
        if self._is_read:
            raise RuntimeError("these detections have been read: call `detect` once more")
        self._is_read = True
        return nullcontext(self._source) if isinstance(self._source, Video) else Video(self._source)

    def _written(self, source: VideoSource, writers: list[Write]) -> Iterator[KeyframeResult]:
        """The results, each of them written first."""
        for result in map(self._filter, self._pipeline.run(source)):
            for write in writers:
                write(result)
            yield result


def _report(source: VideoSource) -> None:
    """Tell what was wrong with a video that has been read.

    Raises:
        InputError: frames of it could not be decoded.
    """
    damaged, video = source.video.index.damaged_stamps, source.video
    if damaged:
        logger.warning(
            "warning: %s: %d of %d time stamps are wrong; those frames lie between the others",
            video.path,
            damaged,
            len(video),
        )
    if source.damage:
        raise source.damage
