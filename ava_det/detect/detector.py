"""A detector of people and their actions, and the detections in a video."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ava_det.detect.action_filter import ActionFilter
from ava_det.detect.defaults import PERSON_THRESHOLD, RATE, SCORE_THRESHOLD, TOP_K
from ava_det.detect.film import write_film
from ava_det.detect.pipeline import ActionPipeline
from ava_det.detect.protocols import ActionBackend, PersonFinder
from ava_det.detect.results import KeyframeResult, Write, csv_file, json_file
from ava_det.detect.sources import SharedSource, Source, VideoSource
from ava_det.video.video import Video

logger = logging.getLogger(__name__)


class Detector:
    """Detects people and their actions in videos. A context manager.

    Use a detector for any number of videos, one after the other. Do not share a detector between
    threads.

    Args:
        persons: The person detector.
        actions: The action model.
        rate: Keyframes per second.
        person_threshold: The lowest person score that starts a track.
        score_threshold: The lowest action score that is reported.
        top_k: The most actions per person; 0 means all.
        files: The weight files, as recorded in the JSON results.

    Attributes:
        class_map: The actions that the detector can report.

    Raises:
        ValueError: A setting is out of range.
    """

    def __init__(
        self,
        persons: PersonFinder,
        actions: ActionBackend,
        *,
        rate: float = RATE,
        person_threshold: float = PERSON_THRESHOLD,
        score_threshold: float = SCORE_THRESHOLD,
        top_k: int = TOP_K,
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
        """Release the models and their memory. A closed detector cannot detect."""
        self._pipeline = None

    def detect(self, source: str | Path | Video | Source) -> "Detections":
        """Return the detections in a video. Detection starts when the results are read.

        Args:
            source: A video file; an open `Video`, which stays open; or any other
                `ava_det.detect.sources.Source` of frames, such as frames in memory or a camera.
        """
        if self._pipeline is None:
            raise RuntimeError("the detector is closed")
        return Detections(source, self._pipeline, self._filter, self._facts)


class Detections:
    """The detections in a video, keyframe by keyframe, in constant memory.

    Iterate over the detections, or write them to files. Both read the video, and the video can be
    read only once. `write` makes several files in one pass. Results come a little later than the
    frames, since a clip includes frames after the keyframe.

    If the video is damaged, the results of the decodable frames are returned or written first. Then
    `InputError` is raised.
    """

    def __init__(
        self,
        source: str | Path | Video | Source,
        pipeline: ActionPipeline,
        action_filter: ActionFilter,
        facts: dict[str, Any],
    ):
        self._source, self._pipeline = source, pipeline
        self._filter, self._facts = action_filter, facts
        self._is_read = False

    def __iter__(self) -> Iterator[KeyframeResult]:
        """Yield the result of each keyframe in order, as soon as it is complete.

        Raises:
            InputError: The file is no video, or (at the end) the video is damaged.
            RuntimeError: The video has been read already.
        """
        with self._open() as source:
            yield from map(self._filter, self._pipeline.run(source))
        _report(source)

    def to_csv(self, path: str | Path) -> None:
        """Write AVA's csv format plus a track id. See `write`."""
        self.write(csv=path)

    def to_json(self, path: str | Path) -> None:
        """Write the results as JSON. See `write`."""
        self.write(json=path)

    def draw(self, path: str | Path) -> None:
        """Write the video with the people and their actions drawn on it. See `write`."""
        self.write(film=path)

    def write(
        self,
        *,
        csv: str | Path | None = None,
        json: str | Path | None = None,
        film: str | Path | None = None,
        keypoints: bool = False,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        """Write the results to files. The files appear at the end and replace older files.

        Args:
            csv: The csv file: AVA's columns, then the track id. A tick is a 0-based frame number.
            json: The JSON file: the people of all keyframes, including people without an action.
            film: The H.264 MP4 file with the results drawn on it.
            keypoints: Draw keypoints on the film, if the person detector finds them.
            progress: This function is called after every analysed frame.

        Raises:
            InputError: The file is no video or is damaged. The results of the decodable frames are
                written first.
            RuntimeError: The video has been read already.
        """
        with self._open(1 + (film is not None), progress) as source, ExitStack() as files:
            writers: list[Write] = []
            if csv is not None:
                writers.append(files.enter_context(csv_file(Path(csv), source.name)))
            if json is not None:
                facts = {"video": source.facts(), **self._facts}
                writers.append(files.enter_context(json_file(Path(json), facts)))
            results = self._written(source, writers)
            if film is not None:
                again = VideoSource(source.video) if isinstance(source, VideoSource) else source
                write_film(Path(film), again, results, keypoints)
            for _ in results:  # the results that no film has read
                pass
        _report(source)

    @contextmanager
    def _open(
        self, readers: int = 1, progress: Callable[[], object] = lambda: None
    ) -> Generator[VideoSource | SharedSource]:
        """Yield the source. The end of the block closes a file that was opened here.

        Args:
            readers: How often the frames of a source that is no video are read.
            progress: This function is called after every analysed frame.
        """
        if self._is_read:
            raise RuntimeError("these detections have been read: call `detect` once more")
        self._is_read = True
        if isinstance(self._source, Video):
            yield VideoSource(self._source, progress)
        elif isinstance(self._source, str | Path):
            with Video(self._source) as video:
                yield VideoSource(video, progress)
        else:
            yield SharedSource(self._source, readers, progress)

    def _written(self, source: Source, writers: list[Write]) -> Iterator[KeyframeResult]:
        """Write each result, then yield it."""
        for result in map(self._filter, self._pipeline.run(source)):
            for write in writers:
                write(result)
            yield result


def _report(source: Source) -> None:
    """Report the damage of a video after it has been read, in one line.

    Raises:
        InputError: Some frames of the video could not be decoded.
    """
    if not isinstance(source, VideoSource):
        return
    if source.damage:  # says more than wrong time stamps
        raise source.damage
    video = source.video
    damaged, hidden = video.index.damaged_stamps, video.index.hidden
    if damaged:
        logger.warning(
            "warning: %s: %d of %d time stamps are wrong; their times are interpolated",
            video.path,
            damaged,
            len(video),
        )
    elif hidden:
        logger.warning(
            "warning: %s: %d packets give no picture: the edit list of the file leaves them out, "
            "or it is damaged",
            video.path,
            hidden,
        )
