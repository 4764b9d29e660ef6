"""Tracks people from keyframe to keyframe with ByteTrack."""

import warnings

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker

from ava_det.boxes import to_pixels
from ava_det.detect.protocols import People

LEAST_SCORE = 0.1  # a person below this score cannot extend a track
LOST_SECONDS = 2.0  # a track keeps its id for this long without a detection


class PersonTracker:
    """Runs ByteTrack (arXiv 2110.06864) on the person boxes of the keyframes of one video.

    A person with a high score starts a track at once. A person with a low score can only extend a
    track.

    Args:
        height: The height of the frames in pixels.
        width: The width of the frames in pixels.
        rate: Keyframes per second.
        threshold: The lowest person score that starts a track.
    """

    def __init__(self, height: int, width: int, rate: float, threshold: float):
        self.height, self.width, self.threshold = height, width, threshold
        self.tracker = ByteTrackTracker(
            lost_track_buffer=round(LOST_SECONDS * 30),  # ByteTrack counts it in frames of 30 fps
            frame_rate=rate,
            track_activation_threshold=threshold,
            high_conf_det_threshold=threshold,
            minimum_consecutive_frames=1,
        )

    def update(self, people: People, time: float) -> People:
        """Assign track ids to the people of the next keyframe. Drop people without a track.

        Args:
            people: The people with their scores.
            time: Seconds; must increase from call to call.
        """
        ids = self.ids(people, time)
        tracked = np.flatnonzero(ids >= 0)
        keypoints = None if people.keypoints is None else people.keypoints[tracked]
        return People(people.boxes[tracked], people.scores[tracked], ids[tracked], keypoints)

    def ids(self, people: People, time: float) -> np.ndarray:
        """Return the track ids (R,) of the people of the next keyframe; -1 without a track.

        The arguments are those of `update`. Call either method, once per keyframe.
        """
        boxes, scores = people.boxes, people.scores
        ids = self._associate(boxes, scores, np.flatnonzero(scores >= LEAST_SCORE), time)
        # ByteTrack gives a track its id on the second detection. To get ids at once, show the
        # tracker the people on new tracks a second time, at the same instant.
        new = np.flatnonzero((ids < 0) & (scores >= self.threshold))
        if len(new):
            ids[new] = self._associate(boxes, scores, new, time)[new]
        return ids

    def _associate(
        self, boxes: np.ndarray, scores: np.ndarray, chosen: np.ndarray, time: float
    ) -> np.ndarray:
        """Return (R,) track ids: -1 for rows that are not chosen and for people on no track."""
        detections = sv.Detections(
            xyxy=to_pixels(boxes[chosen], self.height, self.width),
            confidence=scores[chosen],
            class_id=np.zeros(len(chosen), int),
            data={"row": chosen},  # the tracker reorders the detections
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*duplicate timestamp")
            tracked = self.tracker.update(detections, timestamp=time)
        ids = np.full(len(boxes), -1, np.int64)
        if len(tracked):
            assert tracked.tracker_id is not None
            ids[np.asarray(tracked.data["row"], np.int64)] = tracked.tracker_id
        return ids
